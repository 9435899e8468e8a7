/**
 * Every limit of the program, with its unit, its reason and what happens at the limit.
 *
 * A name ends in its unit and `MAX` or `MIN`. Nothing here is read from the environment; limits an operator may
 * move are defaults of flags and say so.
 */

/** Bytes. nginx logs a 60 000-byte URI as 240 kB when every byte is escaped. A longer line is skipped up to its
 * newline and counted as `too_long`. */
export const LINE_BYTES_MAX = 256 * 1024;

/** Bytes read at once from a log. Must hold at least one line of `LINE_BYTES_MAX` and its newline. */
export const CHUNK_BYTES = 512 * 1024;

/** Bytes of one batch of messages between a thread that receives and the one that counts. It holds a message of LINE_BYTES_MAX
 * and its newline, and is handed over when another would not fit. */
export const SOCKET_BATCH_BYTES = 512 * 1024;

/** Messages of one batch. With as many it is handed over. */
export const SOCKET_BATCH_MESSAGES_MAX = 4096;

/** Batches of one input: 65 000 messages, more than half a second at 100 000 a second. While none is left, nothing is received:
 * the kernel keeps datagrams then, and drops and counts them when it has no room, and TCP slows its sender down. */
export const SOCKET_BATCHES_MAX = 16;

/** Milliseconds that a message waits for others. */
export const SOCKET_BATCH_MS_MAX = 10;

/** TCP connections that one syslog input has open at once. One more is closed as soon as it is accepted, and counted. */
export const SYSLOG_CONNECTIONS_MAX = 512;

/** The same from one address, so that one sender cannot take all of them; a relay needs one. */
export const SYSLOG_CONNECTIONS_PER_PEER_MAX = 64;

/** Seconds that a syslog message may take from its first byte to its last over TCP, and a new connection until its first
 * message is complete. Beyond it the connection is closed, the message is counted as lost. */
export const SYSLOG_MESSAGE_SECONDS_MAX = 30;

/** Bytes read at once from one syslog connection; then it is another's turn. */
export const SYSLOG_READ_BYTES = 32 * 1024;

/** Bytes of unfinished messages of all connections of one syslog input together. The connection that goes beyond it is closed. */
export const SYSLOG_UNFINISHED_BYTES_MAX = 32 * 1024 * 1024;

/** Bytes a second that one syslog connection is read at: 140 000 lines. One that sends more is slowed down. */
export const SYSLOG_CONNECTION_BYTES_PER_SECOND_MAX = 16 * 1024 * 1024;

/**
 * Pairs of website and tag for which a counting thread knows how bytes and times are spread (`line_spread.ts`): 100 B each.
 * Lines of what has no place are in the series (other); what is hardly asked for makes room at the next seal.
 */
export const SPREAD_SERIES_MAX = 8192;

/** Tags among them. */
export const SPREAD_TAGS_MAX = 64;

/** Lines staged between parsing and counting: large enough to hide cache misses, small enough to stay in cache. */
export const BATCH_LINES = 256;

/**
 * Slices a counting thread holds open at once: all that are kept, so that lines in any order, such as those of many quiet
 * logs read from their start, make one bucket a slice, and not one for every few lines, which takes a thousand times as long
 * as counting them. With one more, all are sealed first.
 */
export const OPEN_SLICES_MAX = 512;

/** Tables of sealed slices that are kept for the next ones: as many as are open at once while lines come as they are written. */
export const SPARE_TABLES_MAX = 8;

/** Bytes of all tables that a counting thread holds open, used or not. With more, all slices are sealed before another is
 * counted into; one slice alone rolls up instead. */
export const OPEN_BYTES_MAX = 96 * 1024 * 1024;

/**
 * Bytes of a pipeline's kernel, at addresses of which it takes those that it has touched. Blocks of its heap are powers of two and
 * are not given back, only used again; what finds none gets memory of its own, and is looked up by slower code.
 */
export const KERNEL_BYTES_MAX = 128 * 1024 * 1024;

/** Rows of one open slice. A full table rolls up light rows (`roll_up.ts`); totals stay exact. */
export const OPEN_ROWS_MAX = 131_072;

/** Entries of one dimension's dictionary in an open slice. Beyond it light entries fold into OTHER. */
export const OPEN_ENTRIES_MAX = 131_072;

/** Bytes of all entries of one dictionary in an open slice. Beyond it light entries fold into OTHER: long values cost
 * an attacker nothing, and memory us. */
export const OPEN_ENTRY_BYTES_MAX = 4 * 1024 * 1024;

/** Bytes of one dictionary entry. A longer value is cut to this length, so that two values that agree so far count as
 * one; nginx accepts 8 kB of request line by default. */
export const ENTRY_BYTES_MAX = 2048;

/** Lines in a row that are not of the format that was found for a log. After as many its format is looked for again: nginx may
 * have been told to write another. */
export const FORMAT_MISSES_MAX = 1000;

/** Blocks within blocks of nginx's configuration: reading it is recursive. Deeper ones are refused. */
export const NGINX_CONF_DEPTH_MAX = 64;

/** Files of nginx's configuration, and includes within includes. Beyond either the rest is not read, which is said. */
export const NGINX_CONF_FILES_MAX = 4096;
export const NGINX_INCLUDES_MAX = 16;

/** Characters of the text of a log format. A longer one is refused. */
export const LOG_FORMAT_CHARS_MAX = 16_384;

/** Bytes of sealed buckets that a counting thread has posted and the main thread has not taken yet: some 300 000 rows, which it
 * merges in a third of a second. Beyond it, and what one seal adds, the thread reads no further: logs wait on disk, sockets
 * in their queues, which overflow and are counted. */
export const UNTAKEN_BYTES_MAX = 16 * 1024 * 1024;

/** Seconds that a line's own time may be ahead of the clock; beyond it the line is counted as `future`. */
export const FUTURE_SECONDS_MAX = 60;

/** Seconds by which the own time of a line may lie before its arrival when it came in a datagram or over syslog, and the rest
 * of the slice that this falls into; beyond it the line is counted as `late`, so that nobody can write history. */
export const LATE_ARRIVAL_SECONDS_MAX = 60;

/** Seconds that a source's slice may be ahead of the newest one; it is held until its time comes. Beyond it, refused. */
export const AHEAD_SECONDS_MAX = 300;

/** Seconds after its end at which a coarse slice is made from finer ones: what comes later is merged into it by itself. */
export const MAKE_DELAY_SECONDS = 10;

/** Seconds after the end of a slice for which its first delta is waited for; then windows move on by the clock. */
export const SILENCE_SECONDS_MAX = 20;

/** Seconds that a source may be behind the newest slice before it counts as missing: it may deliver one slice late. */
export const LATE_SECONDS_MAX = 20;

/** Seconds of deltas that stay retrievable one by one for a subscriber that (re)connects. */
export const DELTA_SECONDS_MAX = 900;

/** Bytes of the retrievable deltas together (columns and dictionaries): all 15 minutes of up to 6500 distinct rows in ten
 * seconds, 8 minutes of 12 000. The oldest go first, and a subscriber that was away longer is told how many it missed. */
export const DELTA_BYTES_MAX = 32 * 1024 * 1024;

/** Bytes of slots that an aggregator has just been sent and passes on, in memory until all followers have read them. Beyond it the
 * oldest go, and who had not read them is told how many. */
export const PASSED_SLOTS_BYTES_MAX = 16 * 1024 * 1024;

/** Bytes a second that an aggregator passes on to each that follows it, of deltas as they come: what is more is cut, the largest
 * deltas first, with exact totals. An aggregator on one core takes what some thirty such relays pass on. Until the first burst
 * beyond it has shown, some times as much is passed on; what a follower lacks when it connects comes on top, at its own pace. */
export const RELAY_BYTES_PER_SECOND_MAX = 1024 * 1024;

/** Milliseconds that one regular expression of one question may take over all values of its window. Beyond it the
 * question is refused: linear time per value still adds up over millions of long ones. */
export const REGEX_MS_MAX = 1000;

/** Slots of an aggregator that wait to be cut to what is kept, one a second: those of a minute, and more after a pause. With more
 * the next is cut at once, and questions wait for it. */
export const UNTIDY_MAX = 12;

/** Rows that an aggregator reads and merges before it looks at whatever else has come: some ten milliseconds. A bucket that has
 * more is read at once. Sources wait for one another, questions wait no longer than that. */
export const TURN_ROWS_MAX = 8000;

/** Deltas a slot holds unmerged before they are merged without waiting for a question; their bytes count as well. */
export const SLOT_PENDING_MAX = 256;

/** Bytes a slot holds unmerged, or as many as it has merged if that is more, so that a row is merged a few times at most. */
export const SLOT_PENDING_BYTES_MAX = 256 * 1024;

/** Bytes that wait in such a merge until there are more rows than are kept. Beyond it they are merged as they are. */
export const WAITING_BYTES_MAX = 8 * 1024 * 1024;

/** Slots of an aggregator whose merges go on while many sources deliver: the newest slice, and one that comes late or is made of
 * finer ones. Each is a table. With one more, the one that was used longest ago is cut to what is kept. */
export const MERGES_MAX = 2;

/** Bytes that all slots of a store hold unmerged, counted since they were last merged together. Beyond it all merge at once:
 * a backlog touches hundreds of slots, none of which would do so by itself. */
export const STORE_PENDING_BYTES_MAX = 32 * 1024 * 1024;

/** Bytes of slots in one message to the thread that answers for an aggregator; a slot that is larger has one of its own. After a
 * start there is a day of them: in pieces, so that they are not in memory three times at once. */
export const MIRROR_NEWS_BYTES = 16 * 1024 * 1024;

/** Snapshots waiting for one slow subscriber. Beyond it the oldest are dropped for this subscriber alone and it is told.
 * Deltas do not wait anywhere but in the log that all subscribers read (`DELTA_BYTES_MAX`). */
export const SUBSCRIBER_QUEUE_MAX = 512;

/** Bytes of the same, in memory; the newest is kept whatever its size. */
export const SUBSCRIBER_QUEUE_BYTES_MAX = 32 * 1024 * 1024;

/** Subscribers at once, per process. One more is refused with RESOURCE_EXHAUSTED. */
export const SUBSCRIBERS_MAX = 256;

/** Entries of one answer. A request for more is answered with this many. */
export const TOP_N_MAX = 10_000;

/** Entries of one answer that come with their own trend and classes of status, where these are asked for. Those behind them
 * come without: it is for people to look at. */
export const DETAILED_ENTRIES_MAX = 500;

/** Points of the trend of one entry. Steps of the window are put together until there are no more: it is drawn small. */
export const SERIES_POINTS_MAX = 48;

/** Values that one ranking tells apart while it is built bucket by bucket, as over whole files: about 220 MB of URIs. Beyond
 * it the lighter half folds into "(other)", and the stated bounds grow by what they had. */
export const TOP_N_GROUPS_MAX = 1_000_000;

/** Characters of a filter expression. A longer one is refused. */
export const FILTER_CHARS_MAX = 4096;

/** Bytes of what questions have computed of buckets and left for the next one (`derived.ts`): what one page with a filter
 * takes over an hour or a day of full buckets. Beyond it what was used longest ago is computed again when it is asked for. */
export const DERIVED_BYTES_MAX = 32 * 1024 * 1024;

/** Bytes of columns of buckets at rest (`resting.ts`) that questions have unpacked: at the ends of a window over a day, ten
 * different questions read 6 MB. Beyond it columns are unpacked again, in some 30 microseconds each. */
export const UNPACKED_BYTES_MAX = 12 * 1024 * 1024;

/** Seconds after which a slot that nothing has come to is put to rest: most of what is late has come then. */
export const REST_AFTER_SECONDS = 120;

/** Seconds after which a slot that nobody has asked about may rest, and what a question has left for the next one is given
 * back when none has used it: who looks now and then finds it, and a night without anybody takes no memory. */
export const GIVE_BACK_AFTER_SECONDS = 900;

/** Rows that are put to rest in one second, or woken: ten milliseconds. The rest waits for the next. */
export const REST_ROWS_MAX = 50_000;

/** Five minutes that are merged into one for questions over a day (`stretches.ts`). Twice as many take a third less memory, and
 * leave more of a window's ends to be read slot by slot. */
export const STRETCH_SLOTS = 24;

/** Bytes of all that is merged so, within DERIVED_BYTES_MAX: a day of full slots. Beyond it the oldest hours of a day are
 * read slot by slot, which takes five times as long. */
export const STRETCHES_BYTES_MAX = 22 * 1024 * 1024;

/** Times that new ones are merged while nobody asks, one every five minutes: a day. Then whoever asks next finds none. */
export const STRETCHES_UNASKED_MAX = 288;

/** Values that questions know by a number of their own (`value_ids.ts`), of all dimensions together: those of an hour and a
 * day of full buckets are 140 000. Values beyond it share numbers, which takes a second look at those that can matter. */
export const VALUE_IDS_MAX = 196_608;

/** Bytes of the same values; their tables count within DERIVED_BYTES_MAX. */
export const VALUE_IDS_BYTES_MAX = 8 * 1024 * 1024;

/** Regular expressions whose answers for values are remembered, 1 B each. With one more, the one asked for longest ago is
 * searched again. */
export const TRUTH_TABLES_MAX = 8;

/** Nodes of a filter's syntax tree: each is one pass over the rows. A larger one is refused. */
export const FILTER_NODES_MAX = 64;

/** Nesting of a filter expression: parsing is recursive. A deeper one is refused. */
export const FILTER_DEPTH_MAX = 32;

/** Characters of one regular expression: compiling takes time with its length. A longer one is refused. */
export const REGEX_CHARS_MAX = 512;

/** Instructions that a regular expression compiles to; a repetition such as `{100}` multiplies them. Matching costs up to
 * this much a character (measured: 0.15 s for 1200 and the longest entry, at worst). A larger one is refused. */
export const REGEX_INSTRUCTIONS_MAX = 1000;

/** Bytes of one gRPC message in either direction: a bucket of 50 000 rows with its dictionaries is about 4 MB. */
export const MESSAGE_BYTES_MAX = 32 * 1024 * 1024;

/** Bytes of one message with a bucket: whatever a slot keeps is at most 2.5 MiB. An aggregator may be receiving one from every
 * source at once. A larger one is not sent, but told as missing; one that is sent ends the stream. */
export const BUCKET_MESSAGE_BYTES_MAX = 4 * 1024 * 1024;

/** Log files followed by one collector, and as many that were rotated away and are still read. Further matches of a glob
 * are named in the log and not followed. */
export const FILES_MAX = 10_000;

/** Rotated files of one path that are still read because their writer may not have reopened yet. */
export const SUPERSEDED_FILES_MAX = 8;

/** Rotated files of one path that are still to be read for the first time, oldest first: as many as an hourly rotation
 * makes in a week. The oldest of more are given up, which the ledger says. */
export const UNREAD_FILES_MAX = 200;

/** Seconds a superseded file must have been quiet before it is closed. */
export const SUPERSEDED_QUIET_SECONDS_MIN = 60;

/** Sources an aggregator follows. */
export const SOURCES_MAX = 4096;

/** Instances (starts of a source) whose sequence numbers an aggregator watches for gaps. The one heard of longest ago is
 * forgotten first; its next gap goes unnoticed. */
export const INSTANCES_MAX = 2 * SOURCES_MAX;

/** Checksums of the last deltas of each instance, to tell apart machines that were cloned: a minute of any source. A clone that
 * is further behind than this is not noticed. */
export const CHECKSUMS_MAX = 32;

/** Seconds for which a gap in what a source delivered stays visible among the targets. */
export const GAP_NOTICE_SECONDS = 900;

/** Bytes of a source's name. */
export const SOURCE_NAME_BYTES_MAX = 255;

/** Bytes after which a segment of the state is followed by another: what is read at once, and given up at once. */
export const STATE_SEGMENT_BYTES = 16 * 1024 * 1024;

/** Bytes of state before any of it is given up: more than most collectors ever need. Beyond it the oldest segment goes, and
 * what is still needed of it is written once more. */
export const STATE_BYTES_MIN = 64 * 1024 * 1024;

/** Segments of the state: each start begins one. With more the oldest is given up, however little is in it. */
export const STATE_SEGMENTS_MAX = 64;

/** Bytes of sealed buckets that wait to be saved while that cannot be done: about a quarter of an hour of busy traffic.
 * Beyond it delivery stops: what is counted from then on is in local answers, and a gap for those who follow. */
export const STATE_QUEUE_BYTES_MAX = 64 * 1024 * 1024;

/** Bytes that are written before they are made durable together. */
export const STATE_WRITE_BYTES_MAX = 8 * 1024 * 1024;

/** Bytes of what has come to an aggregator that are handed over to be saved before a second is over. */
export const STATE_GATHERED_BYTES = 4 * 1024 * 1024;

/** Milliseconds between two attempts to save while that cannot be done. */
export const STATE_RETRY_MS = 2000;

/** What an aggregator takes from one address, in items a second: a bucket is one, and one more for every SOURCE_ITEM_BYTES of it. A
 * relay of SOURCES_MAX sources brings 1200. Beyond it nothing is read from there until time has passed: whoever sends more than
 * that is held up, and no one else. */
export const SOURCE_ITEMS_PER_SECOND_MAX = 2000;

/** Of these, as many at once: what a relay of 200 sources holds one by one. */
export const SOURCE_ITEMS_BURST_MAX = 40_000;

/** Bytes of a bucket in memory that count as one more item: 64 MiB a second, two thirds of a core's decoding at most. */
export const SOURCE_ITEM_BYTES = 32 * 1024;

/** Pieces that the sequence numbers of all that comes from one address may lie in: one for each instance, and one more for each gap
 * in it. A relay of SOURCES_MAX sources has four of each. Beyond it a delta that is a piece of its own is refused. Each takes
 * some 100 B in every slot that has it. */
export const SOURCE_PIECES_MAX = 65_536;

/** Seconds after which an instance that nothing comes of any more counts no longer among them: no slot has it. */
export const SOURCE_PIECES_SECONDS = 90_000;

/** Items that one counts as which cannot be used: 95 of them a second. */
export const REFUSED_ITEM_COST = 20;

/** Milliseconds until a source must have said its first word. Beyond it the connection is given up, and tried again. */
export const FIRST_WORD_MS_MAX = 30_000;

/** Milliseconds before the first reconnection attempt; doubles up to the maximum, with jitter. */
export const RETRY_DELAY_MS_MIN = 100;
export const RETRY_DELAY_MS_MAX = 30_000;

/** Bytes of one gRPC request: a question is a few hundred. A larger one is refused with RESOURCE_EXHAUSTED. */
export const REQUEST_BYTES_MAX = 1024 * 1024;

/** gRPC connections at once, per process. One more is closed as soon as it is accepted, and counted in the log. */
export const CONNECTIONS_MAX = 1024;

/** Of these, from one address: a quarter, so that one peer cannot keep all others out. One more is closed likewise. */
export const CONNECTIONS_PER_PEER_MAX = 256;

/** Ranges of sequence numbers in which a reader of buckets says what it has, or a slot what is in it: a source has one, and one
 * more for every gap. The oldest beyond it are not said: what they cover is sent again, and known by its identity. */
export const DELTA_RANGES_MAX = 10_000;

/** Milliseconds for a TLS handshake: whoever connects and says nothing is hung up on. */
export const TLS_HANDSHAKE_MS_MAX = 10_000;

/** HTTP connections to the page of metrics at once. One more is closed as soon as it is accepted. */
export const HTTP_CONNECTIONS_MAX = 64;

/** Bytes of pages of metrics that have been written and not been read yet. Whoever asks for one more gets 503: readers that do
 * not read must not make us hold a page for each. Small pages are always answered. */
export const HTTP_BYTES_MAX = 16 * 1024 * 1024;

/** Characters of a website or a tag that has series among the metrics: more than most names in DNS. Longer ones are (other). */
export const METRICS_LABEL_CHARS_MAX = 128;

/** Websites that have series of their own among a collector's metrics. When half of the places are taken, a website needs a
 * hundred requests between two seals to get one: names that somebody makes up shall not keep out those that are asked for.
 * All others are the website (other). */
export const METRICS_WEBSITES_MAX = 1000;

/** Series of requests by website, method and status; and of pairs of website and tag with their two histograms, 24 lines of
 * the page each (measured: 2.4 MB, drawn in 60 ms on a busy machine). What is beyond is added to (other). */
export const METRICS_REQUEST_SERIES_MAX = 10_000;
export const METRICS_SPREADS_MAX = 1000;

/** Sources of an aggregator that have series of their own among its metrics: six each. Of the others lines are added up. */
export const METRICS_SOURCES_MAX = 1000;

/** Calls at once on one gRPC connection. The peer waits with the next until one has ended. */
export const CALLS_PER_CONNECTION_MAX = 128;

/** Characters of one log line, time and role included. A longer one is cut and ends in an ellipsis. */
export const LOG_LINE_CHARS_MAX = 4096;

/** Bytes of bad traffic shown as a sample. */
export const SAMPLE_BYTES_MAX = 256;

/** Keys a rate limiter tells apart. Further ones share one key, so that hostile keys cannot fill memory or the log. */
export const RATE_KEYS_MAX = 256;

/** Directories listed for one pattern. A pattern such as `/**` stops here and is named in `refused`. */
export const GLOB_DIRECTORIES_MAX = 10_000;
