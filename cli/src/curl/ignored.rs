//! Options of curl that change nothing in the request, or what is no matter here: how it is connected, and what is
//! done with the answer.

use clap::{ArgAction, Args};

/// What changes nothing in what is sent. All may be repeated, as curl lets them be.
#[derive(Args)]
pub(super) struct Ignored {
    #[arg(short = 'k', long, hide = true, action = ArgAction::Count)]
    insecure: u8,
    #[arg(short = 's', long, hide = true, action = ArgAction::Count)]
    silent: u8,
    #[arg(short = 'S', long, hide = true, action = ArgAction::Count)]
    show_error: u8,
    #[arg(short = 'L', long, hide = true, action = ArgAction::Count)]
    location: u8,
    #[arg(long, hide = true, action = ArgAction::Count)]
    location_trusted: u8,
    #[arg(short = 'v', long, hide = true, action = ArgAction::Count)]
    verbose: u8,
    #[arg(short = 'i', long, alias = "show-headers", hide = true, action = ArgAction::Count)]
    include: u8,
    #[arg(short = 'N', long, hide = true, action = ArgAction::Count)]
    no_buffer: u8,
    #[arg(short = 'g', long, hide = true, action = ArgAction::Count)]
    globoff: u8,
    #[arg(short = 'O', long, hide = true, action = ArgAction::Count)]
    remote_name: u8,
    #[arg(short = 'J', long, hide = true, action = ArgAction::Count)]
    remote_header_name: u8,
    #[arg(short = '4', long, hide = true, action = ArgAction::Count)]
    ipv4: u8,
    #[arg(short = '6', long, hide = true, action = ArgAction::Count)]
    ipv6: u8,
    #[arg(short = '#', long, hide = true, action = ArgAction::Count)]
    progress_bar: u8,
    #[arg(long, hide = true, action = ArgAction::Count)]
    no_progress_meter: u8,
    /// Its short form is `-f`, which is ours before the word `curl`.
    #[arg(long, hide = true, action = ArgAction::Count)]
    fail: u8,
    #[arg(long, hide = true, action = ArgAction::Count)]
    fail_with_body: u8,
    #[arg(long, hide = true, action = ArgAction::Count)]
    compressed: u8,
    #[arg(long, hide = true, action = ArgAction::Count)]
    path_as_is: u8,
    #[arg(long = "http1.1", alias = "http1.0", hide = true, action = ArgAction::Count)]
    http1: u8,
    #[arg(long, alias = "http2-prior-knowledge", alias = "http3", hide = true, action = ArgAction::Count)]
    http2: u8,
    #[arg(long = "tlsv1.2", alias = "tlsv1.3", hide = true, action = ArgAction::Count)]
    tls: u8,
    /// All that takes a value.
    #[arg(short = 'o', long, hide = true)]
    output: Vec<String>,
    #[arg(short = 'w', long, hide = true)]
    write_out: Vec<String>,
    #[arg(short = 'D', long, hide = true)]
    dump_header: Vec<String>,
    #[arg(short = 'c', long, hide = true)]
    cookie_jar: Vec<String>,
    #[arg(short = 'm', long, hide = true)]
    max_time: Vec<String>,
    #[arg(long, aliases = ["retry-delay", "retry-max-time", "max-redirs"], hide = true)]
    retry: Vec<String>,
    #[arg(long, hide = true)]
    connect_timeout: Vec<String>,
    #[arg(short = 'x', long, hide = true)]
    proxy: Vec<String>,
    #[arg(long, aliases = ["connect-to", "interface", "unix-socket"], hide = true)]
    resolve: Vec<String>,
    /// Who the client is is said by `--peer`.
    #[arg(short = 'E', long, aliases = ["key", "cacert", "capath", "pass"], hide = true)]
    cert: Vec<String>,
}

impl Ignored {
    /// It changes nothing in what is sent, but some verbs can show that.
    pub(super) fn is_verbose(&self) -> bool {
        self.verbose > 0 || self.include > 0
    }
}
