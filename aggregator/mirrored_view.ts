/**
 * What the answering thread answers from: a mirror of the main thread's store, its targets as they were last told, and feeds
 * whose other ends are there.
 */
import type {
  Answerer,
  BucketFeed,
  Snapshot,
  SourceBehind,
  TargetInfo,
  TopNAnswer,
  TopNQuestion,
  TrendAnswer,
  TrendQuestion,
} from "@/core/answer.ts";
import type { RegexEngine } from "@/core/filter_match.ts";
import type { IdentityRanges } from "@/core/identity_set.ts";
import { LiveView } from "@/core/live_view.ts";
import { showNews, type StoreNews } from "@/core/mirror.ts";
import type { Subscriber } from "@/core/subscriber.ts";
import { type FeedItem, type FromAnswering, openItem } from "./answering_message.ts";
import { StandingQuestions } from "./standing_questions.ts";
import { DistantFeed, FEED_AHEAD_MAX } from "./distant_feed.ts";

export interface MirroredViewOptions {
  /** Name in answers. */
  readonly source: string;
  /** For hashes. */
  readonly seed: number;
  readonly regex: RegexEngine;
  readonly tell: (message: FromAnswering) => void;
  readonly monotonicMs: () => number;
  /** Calls back after everything else has been looked at. */
  readonly later: (then: () => void) => void;
}

export class MirroredView implements Answerer {
  readonly source: string;
  readonly #view: LiveView;
  #targets: readonly TargetInfo[] = [];
  readonly #standing: StandingQuestions;
  readonly #feeds = new Map<number, DistantFeed>();
  #opened = 0;

  constructor(readonly options: MirroredViewOptions) {
    const { source, seed, regex, monotonicMs, later } = options;
    this.source = source;
    this.#view = new LiveView({ source, seed, regex, targets: () => this.#targets });
    const ask = (question: TopNQuestion): void => void this.#view.topN(question);
    this.#standing = new StandingQuestions(ask, monotonicMs, later);
  }

  /** Shows what has changed; with a moment, the targets as they were then. */
  show(news: StoreNews, targets: readonly TargetInfo[]): void {
    if (news.moment !== undefined) this.#targets = targets;
    showNews(this.#view.store, news);
    if (news.slots.length > 0 && news.moment !== undefined) this.#standing.refresh();
  }

  /** Prepares for questions over a day. Call it every second. */
  prepare(): void {
    this.#view.prepare();
  }

  /** An item of a feed has come; for one that nobody reads any more it is dropped. */
  take(feed: number, item: FeedItem, dropped: number): void {
    this.#feeds.get(feed)?.put(openItem(item), dropped);
  }

  topN(question: TopNQuestion): TopNAnswer {
    this.#standing.note(question);
    return this.#view.topN(question);
  }

  trend(question: TrendQuestion): TrendAnswer {
    return this.#view.trend(question);
  }

  targets(): readonly TargetInfo[] {
    return this.#targets;
  }

  sources(): readonly SourceBehind[] {
    return this.#view.sources();
  }

  dump(): Iterable<Snapshot> {
    return this.#view.dump();
  }

  followSnapshots(subscriber: Subscriber<Snapshot>): () => void {
    return this.#view.followSnapshots(subscriber);
  }

  followDeltas(has?: readonly IdentityRanges[]): BucketFeed {
    const { tell } = this.options, id = ++this.#opened;
    const feed = new DistantFeed(() => tell({ kind: "want", feed: id }), () => {
      if (this.#feeds.delete(id)) tell({ kind: "unfollow", feed: id });
    });
    this.#feeds.set(id, feed);
    tell({ kind: "follow", feed: id, has, wanted: FEED_AHEAD_MAX });
    return feed;
  }
}
