//! Something between a server and its database: it sees every message of the client's (PostgreSQL 55.7), and
//! may change statements or stop answering.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use mcpgen::cluster::Cluster;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

use crate::support::Scratch;

/// The code of a cancel request, in place of a version.
const CANCEL: u32 = 80_877_102;

/// A message of the client's: its type, and its content. `S` of 0 is what begins a connection.
pub(super) type Message = (char, Vec<u8>);

pub(super) struct Proxy {
    folder: Scratch,
    seen: Arc<Mutex<Vec<Message>>>,
    /// What carries each connection.
    carried: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl Proxy {
    /// A proxy in front of a cluster, in the current runtime. `change` may change a message.
    pub(super) fn start(
        cluster: &Cluster,
        change: impl Fn(&mut Message) + Send + Sync + 'static,
    ) -> Self {
        let change = Arc::new(change);
        let folder = Scratch::new();
        let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (target, record) = (cluster.folder().join(".s.PGSQL.5432"), Arc::clone(&seen));
        let carried: Arc<Mutex<Vec<JoinHandle<()>>>> = Arc::default();
        let carrying = Arc::clone(&carried);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (target, record) = (target.clone(), Arc::clone(&record));
                let change = Arc::clone(&change);
                let task = tokio::spawn(async move {
                    let _ = carry(client, &target, &record, &*change).await;
                });
                carrying.lock().unwrap().push(task);
            }
        });
        Self {
            folder,
            seen,
            carried,
        }
    }

    /// A connection string that leads through it.
    pub(super) fn dsn(&self, database: &str, user: &str) -> String {
        let folder = self.folder.path().to_string_lossy().replace('/', "%2F");
        format!("postgres://{user}@{folder}/{database}")
    }

    /// What was seen since the last time, when all connections have ended.
    pub(super) async fn ended(&self) -> Vec<Message> {
        let carried = std::mem::take(&mut *self.carried.lock().unwrap());
        for task in carried {
            task.await.unwrap();
        }
        self.take()
    }

    /// What was seen since the last time.
    pub(super) fn take(&self) -> Vec<Message> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

/// The texts of the statements that messages carry out, in order, and the names that these have there. What is
/// parsed and not carried out is not among them.
pub(super) fn statements(messages: &[Message]) -> Vec<(String, String)> {
    let mut parsed = BTreeMap::new();
    let mut carried_out = Vec::new();
    for (kind, content) in messages {
        let mut parts = content.split(|byte| *byte == 0);
        let mut part = || String::from_utf8(parts.next().unwrap().to_vec()).unwrap();
        match kind {
            'P' => {
                let name = part();
                parsed.insert(name, part());
            }
            'B' => {
                assert_eq!(part(), "", "a portal has a name");
                let name = part();
                carried_out.push((parsed[&name].clone(), name));
            }
            _ => {}
        }
    }
    carried_out
}

async fn carry(
    client: UnixStream,
    target: &Path,
    seen: &Mutex<Vec<Message>>,
    change: &(impl Fn(&mut Message) + Send + Sync),
) -> Option<()> {
    let server = UnixStream::connect(target).await.ok()?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let back = tokio::spawn(async move {
        let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
    });
    let mut started = false;
    loop {
        let kind = match started {
            false => 0,
            true => match from_client.read_u8().await {
                Ok(kind) => kind,
                Err(_) => break,
            },
        };
        let Ok(length) = from_client.read_u32().await else {
            break;
        };
        let mut content = vec![0; usize::try_from(length - 4).unwrap()];
        from_client.read_exact(&mut content).await.ok()?;
        let mut message = (char::from(kind), content);
        change(&mut message);
        let (_, content) = &message;
        let cancels = !started && content.starts_with(&CANCEL.to_be_bytes());
        let named = if cancels { 'K' } else { message.0 };
        if started {
            to_server.write_u8(kind).await.ok()?;
        }
        started = true;
        let length = u32::try_from(content.len() + 4).ok()?;
        to_server.write_u32(length).await.ok()?;
        to_server.write_all(content).await.ok()?;
        to_server.flush().await.ok()?;
        seen.lock().unwrap().push((named, message.1));
    }
    let _ = to_server.shutdown().await;
    let _ = back.await;
    Some(())
}
