// Reads a multipart body as Node's own FormData parser does: `form_data.mjs CONTENT-TYPE`, the bytes on
// standard input. Prints its entries, files as [name, filename, type, base64], texts as [name, text].

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const response = new Response(Buffer.concat(chunks), { headers: { 'content-type': process.argv[2] } });
const entries = [];
for (const [name, value] of await response.formData()) {
  if (typeof value === 'string') {
    entries.push([name, value]);
  } else {
    const bytes = Buffer.from(await value.arrayBuffer());
    entries.push([name, value.name, value.type, bytes.toString('base64')]);
  }
}
console.log(JSON.stringify(entries));
