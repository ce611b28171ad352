//! An MCP server over a Manifest.

use std::sync::Arc;
use std::time::Instant;

use indexmap::IndexMap;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestMethod,
    CompleteRequestParams, CompleteResult, DiscoverResult, ErrorData, Implementation,
    ListPromptsRequestMethod, ListPromptsResult, ListResourceTemplatesRequestMethod,
    ListResourceTemplatesResult, ListResourcesRequestMethod, ListResourcesResult, ListToolsResult,
    MetaObject, PaginatedRequestParams, ProtocolVersion, RequestId, RequestMetaObject,
    ServerCapabilities, ServerConfig, ServerJsonRpcMessage, ServerResult, Tool,
};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler};
use serde_json::{Map, Value};

use super::args::Args;
use super::backend::{Backend, Outcome};
use super::config::Config;
use super::error::CallError;
use super::hooks::Hooks;
use super::limits;
use super::manifest::Manifest;
use super::output;
use super::plain::{self, Promise};
use super::scan::Message;
use super::search::{Reply, Search};

mod entry;
mod tools;
mod unknown;

use entry::Entry;
use tools::listed_tools;
pub use tools::{list, listed};
pub use unknown::UnknownTool;

/// How long clients may keep a tool list, in milliseconds: it changes when the server restarts.
const LIST_TTL_MS: u64 = 300_000;
/// The result's `_meta` key that names the server (MCP 2026-07-28, base protocol).
const SERVER_INFO_KEY: &str = "io.modelcontextprotocol/serverInfo";

/// A server; cloning it is cloning one `Arc`.
#[derive(Clone)]
pub struct Server {
    inner: Arc<Inner>,
}

struct Inner {
    info: ServerConfig,
    base_path: Option<String>,
    info_meta: MetaObject,
    /// What `tools/list` has.
    tools: Vec<Tool>,
    /// All tools, listed or not.
    entries: IndexMap<String, Entry>,
    search: Option<Search>,
    hooks: Option<Arc<dyn Hooks>>,
}

/// A call of a tool that there is, whose message is in order.
pub struct PlainCall {
    id: RequestId,
    tool: String,
    arguments: Map<String, Value>,
    modern: bool,
}

impl Server {
    /// A server whose tools are carried out by `backends`, one a tool in the Manifest's order.
    /// `config` has the values of arguments that come from the environment.
    pub fn new(manifest: &Manifest, backends: Vec<Box<dyn Backend>>, config: &Config) -> Self {
        Self::with_hooks(manifest, backends, config, None)
    }

    /// A server with the owner's code around its calls.
    pub fn with_hooks(
        manifest: &Manifest,
        backends: Vec<Box<dyn Backend>>,
        config: &Config,
        hooks: Option<Arc<dyn Hooks>>,
    ) -> Self {
        let mut tools = Vec::with_capacity(manifest.tools.len());
        let mut entries = IndexMap::with_capacity(manifest.tools.len());
        let limiters = limits::limiters(manifest);
        let prepared = backends.into_iter().zip(limiters);
        for (spec, (backend, limiter)) in manifest.tools.iter().zip(prepared) {
            let entry = Entry::new(spec, backend, limiter, config);
            entries.insert(spec.name.clone(), entry);
            tools.push(listed(spec));
        }
        let search = Search::new(manifest);
        let tools = listed_tools(tools, search.as_ref());
        let mut identity = Implementation::new(&manifest.server.name, &manifest.server.version);
        identity.title.clone_from(&manifest.server.title);
        let mut info_meta = MetaObject::new();
        info_meta.0.insert(
            SERVER_INFO_KEY.to_owned(),
            serde_json::to_value(&identity).unwrap_or_default(),
        );
        let mut info = ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(identity);
        info.instructions.clone_from(&manifest.server.instructions);
        Self {
            inner: Arc::new(Inner {
                info,
                base_path: manifest.server.base_path.clone(),
                info_meta,
                tools,
                entries,
                search,
                hooks,
            }),
        }
    }

    /// Path of the HTTP endpoint, as the Manifest says it.
    pub fn base_path(&self) -> Option<&str> {
        self.inner.base_path.as_deref()
    }

    /// Asks each upstream whether calls may go to it. One that is only away for now is logged.
    ///
    /// # Errors
    ///
    /// What is wrong with an upstream, for the owner.
    pub async fn ready(&self) -> Result<(), String> {
        for entry in self.inner.entries.values() {
            match entry.backend.ready().await {
                Ok(()) => {}
                Err(why) if why.passing => {
                    tracing::warn!("{}; it is asked again before the first call", why.reason);
                    return Ok(());
                }
                Err(why) => return Err(why.reason),
            }
        }
        Ok(())
    }

    /// Checks arguments and carries out a tool.
    ///
    /// # Errors
    ///
    /// The tool is unknown (outer), or the call failed (inner).
    pub async fn call(
        &self,
        name: &str,
        arguments: Map<String, Value>,
    ) -> Result<Result<(Outcome, Args), CallError>, UnknownTool> {
        let entry = self.entry(name)?;
        let args = match entry.checker.check(arguments) {
            Ok(args) => args,
            Err(error) => return Ok(Err(error)),
        };
        Ok(entry
            .carried_out(name, args, self.inner.hooks.as_deref())
            .await)
    }

    /// Checks arguments and describes what the call would do.
    ///
    /// # Errors
    ///
    /// The tool is unknown (outer), or the arguments are refused (inner).
    pub fn preview(
        &self,
        name: &str,
        arguments: Map<String, Value>,
    ) -> Result<Result<(String, Args), CallError>, UnknownTool> {
        let entry = self.entry(name)?;
        let checked = entry.checker.check(arguments);
        Ok(checked.and_then(|args| {
            let shown = entry.checker.masked(&args)?;
            Ok((entry.backend.preview(&shown)?, args))
        }))
    }

    fn entry(&self, name: &str) -> Result<&Entry, UnknownTool> {
        self.inner.entries.get(name).ok_or_else(|| {
            let near = self
                .near(name)
                .map(|near| format!("; did you mean `{near}`?"));
            UnknownTool::new(name, near.unwrap_or_default())
        })
    }

    /// A tool whose name differs only in case or separators.
    fn near(&self, name: &str) -> Option<&String> {
        let plain = |text: &str| -> String {
            text.chars()
                .filter(char::is_ascii_alphanumeric)
                .map(|c| c.to_ascii_lowercase())
                .collect()
        };
        let wanted = plain(name);
        let mut names = self.inner.entries.keys();
        names.find(|key| plain(key) == wanted)
    }

    /// Whether clients may call a tool by this name; `Some(true)` if they have to repeat arguments in
    /// headers.
    fn listed(&self, name: &str) -> Option<bool> {
        let entry = self.inner.entries.get(name);
        match &self.inner.search {
            Some(search) if search.meta(name).is_some() => Some(false),
            Some(search) if !search.is_pinned(name) => None,
            _ => entry.map(|entry| entry.header_params),
        }
    }

    /// Reads a scanned message as the plain call that its headers promise.
    pub fn plain_call(&self, message: Message, promise: Promise<'_>) -> Option<PlainCall> {
        let parts = plain::parts(message, promise)?;
        let header_params = self.listed(&parts.tool)?;
        let modern = promise != Promise::Legacy;
        if modern {
            let version = ProtocolVersion::V_2026_07_28;
            let meta = RequestMetaObject(MetaObject(parts.meta));
            let in_order = !header_params
                && meta.protocol_version()? == version
                && meta.missing_required_keys(&version).is_empty();
            if !in_order {
                return None;
            }
        }
        Some(PlainCall {
            id: serde_json::from_value(parts.id).ok()?,
            tool: parts.tool,
            arguments: parts.arguments,
            modern,
        })
    }

    /// Carries out a plain call: the JSON-RPC response as rmcp would write it.
    pub async fn answer(&self, call: PlainCall) -> Vec<u8> {
        let result = self.identified(&call.tool, call.arguments, call.modern);
        let message = match result.await {
            Ok(result) => {
                let mut result = ServerResult::from(CallToolResponse::Complete(result));
                if !call.modern {
                    result.strip_result_type_for_legacy_peer();
                }
                ServerJsonRpcMessage::response(result, call.id)
            }
            Err(error) => ServerJsonRpcMessage::error(error, Some(call.id)),
        };
        serde_json::to_vec(&message).unwrap_or_default()
    }

    /// A call's result; in the modern era it names the server.
    async fn identified(
        &self,
        name: &str,
        arguments: Map<String, Value>,
        modern: bool,
    ) -> Result<CallToolResult, ErrorData> {
        let mut result = self
            .result(name, arguments)
            .await
            .map_err(|unknown| ErrorData::invalid_params(unknown.to_string(), None))?;
        if modern {
            let meta = result.meta.get_or_insert_default();
            meta.0.extend(self.inner.info_meta.0.clone());
        }
        Ok(result)
    }

    async fn result(
        &self,
        name: &str,
        arguments: Map<String, Value>,
    ) -> Result<CallToolResult, UnknownTool> {
        let Some(search) = &self.inner.search else {
            return self.carried_out(name, arguments, None).await;
        };
        let Some(meta) = search.meta(name) else {
            if search.is_pinned(name) {
                return self.carried_out(name, arguments, None).await;
            }
            let help = match search.caller_of(name) {
                Some(caller) => format!("; it is not listed: call it with `{caller}`"),
                None => "; `search_tools` finds tools".to_owned(),
            };
            return Err(UnknownTool::new(name, help));
        };
        let started = Instant::now();
        let reply = search.reply(meta, arguments);
        let code = reply.as_ref().err().map_or("ok", |error| error.code);
        let result = match reply {
            Ok(Reply::Call { tool, arguments }) => {
                return self.carried_out(&tool, arguments, Some(name)).await;
            }
            Ok(Reply::Told { value, text, args }) => output::told(value, text, args.changes()),
            Err(error) => output::failure(&error),
        };
        log(name, None, code, started);
        Ok(result)
    }

    /// The result of a tool of the Manifest, called `via` another or by its own name.
    async fn carried_out(
        &self,
        name: &str,
        arguments: Map<String, Value>,
        via: Option<&str>,
    ) -> Result<CallToolResult, UnknownTool> {
        let started = Instant::now();
        let result = self.call(name, arguments).await?;
        let code = result.as_ref().err().map_or("ok", |error| error.code);
        log(name, via, code, started);
        let entry = self.entry(name)?;
        Ok(match result {
            Ok((outcome, args)) => {
                let schema = entry.output_schema.as_deref();
                let fits = schema.map(|schema| |value: &Value| entry.fits(schema, value));
                let fits = fits.as_ref().map(|fits| fits as &dyn Fn(&Value) -> bool);
                output::success(outcome, args.changes(), fits)
            }
            Err(error) => output::failure(&error),
        })
    }
}

/// A line in the log on a call.
fn log(tool: &str, via: Option<&str>, outcome: &str, started: Instant) {
    let elapsed_ms = started.elapsed().as_millis();
    tracing::info!(tool, via, outcome, elapsed_ms, "call");
}

/// Whether the request is of a revision whose results name the server.
fn is_modern(context: &RequestContext<RoleServer>) -> bool {
    context
        .protocol_version()
        .is_some_and(|version| version >= ProtocolVersion::V_2026_07_28)
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        self.inner.info.clone()
    }

    async fn discover(
        &self,
        _context: RequestContext<RoleServer>,
    ) -> Result<DiscoverResult, ErrorData> {
        let versions = self.supported_protocol_versions().into_owned();
        Ok(DiscoverResult::from_server_info(versions, self.get_info())
            .with_ttl_ms(LIST_TTL_MS)
            .with_cache_scope(CacheScope::Public))
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        if request.and_then(|request| request.cursor).is_some() {
            return Err(ErrorData::invalid_params(
                "unknown cursor: the list has one page",
                None,
            ));
        }
        let mut result = ListToolsResult::with_all_items(self.inner.tools.clone());
        if is_modern(&context) {
            result = result
                .with_ttl_ms(LIST_TTL_MS)
                .with_cache_scope(CacheScope::Public);
            result.meta = Some(self.inner.info_meta.clone());
        }
        Ok(result)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        let modern = is_modern(&context);
        let result = tokio::select! {
            result = self.identified(&request.name, arguments, modern) => result?,
            () = context.ct.cancelled() => return Err(ErrorData::internal_error("cancelled", None)),
        };
        Ok(CallToolResponse::Complete(result))
    }

    // What is not declared as a capability is not there: rmcp would answer with empty lists.

    async fn list_prompts(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Err(ErrorData::method_not_found::<ListPromptsRequestMethod>())
    }

    async fn list_resources(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Err(ErrorData::method_not_found::<ListResourcesRequestMethod>())
    }

    async fn list_resource_templates(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Err(ErrorData::method_not_found::<
            ListResourceTemplatesRequestMethod,
        >())
    }

    async fn complete(
        &self,
        _request: CompleteRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        Err(ErrorData::method_not_found::<CompleteRequestMethod>())
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        let Some(search) = &self.inner.search else {
            let index = self.inner.entries.get_index_of(name)?;
            return self.inner.tools.get(index).cloned();
        };
        let listed = search.meta(name).is_some() || search.is_pinned(name);
        let mut few = self.inner.tools.iter().filter(|_| listed);
        few.find(|tool| tool.name == name).cloned()
    }
}
