/**
 * The core, in pipeline order: the order to read it in. A file imports only files above it; `tidy_test.ts` holds it to
 * that, so the straight line from bytes to answer, the absence of cycles and this list are one fact.
 */

// What everything is made of.
export * from "./bounds.ts";
export * from "./measures.ts";
export * from "./dimensions.ts";
export * from "./ledger.ts";
export * from "./slices.ts";
export * from "./checksum.ts";
export * from "./free.ts";

// From bytes to bucket. `pipeline.ts` shows it on one screen: begin there.
export * from "./lines.ts";
export * from "./syslog.ts";
export * from "./syslog_frames.ts";
export * from "./kernel_drops.ts";
export * from "./entry_text.ts";
export * from "./client_prefix.ts";
export * from "./label.ts";
export * from "./escapes.ts";
export * from "./hash.ts";
export * from "./column_memory.ts";
export * from "./kernel_bytes.ts";
export * from "./kernel.ts";
export * from "./line_batch.ts";
export * from "./intern.ts";
export * from "./log_time.ts";
export * from "./log_fields.ts";
export * from "./log_format.ts";
export * from "./log_variables.ts";
export * from "./field_plan.ts";
export * from "./scan_program.ts";
export * from "./scan_plan.ts";
export * from "./format_plan.ts";
export * from "./scan_logtail.ts";
export * from "./format_logtail.ts";
export * from "./format_json.ts";
export * from "./format_any.ts";
export * from "./format_names.ts";
export * from "./formats.ts";
export * from "./format_choice.ts";
export * from "./nginx_conf.ts";
export * from "./nginx_logs.ts";
export * from "./newcomers.ts";
export * from "./slim_rows.ts";
export * from "./packed_rows.ts";
export * from "./counter_table.ts";
export * from "./line_spread.ts";
export * from "./visible_pairs.ts";
export * from "./weights.ts";
export * from "./row_costs.ts";
export * from "./weight_levels.ts";
export * from "./roll_up.ts";
export * from "./withhold.ts";
export * from "./bucket.ts";
export * from "./derived.ts";
export * from "./block_layout.ts";
export * from "./bucket_block.ts";
export * from "./resting.ts";
export * from "./bucket_check.ts";
export * from "./first_sight.ts";
export * from "./foresight.ts";
export * from "./sift.ts";
export * from "./seal.ts";
export * from "./pipeline.ts";

// From buckets to slots.
export * from "./merge.ts";
export * from "./stretches.ts";
export * from "./relay_budget.ts";
export * from "./identity_set.ts";
export * from "./ring.ts";
export * from "./store.ts";
export * from "./mirror.ts";
export * from "./state_covers.ts";
export * from "./delta_log.ts";
export * from "./passed_slots.ts";

// From question to answer.
export * from "./filter_tree.ts";
export * from "./filter_check.ts";
export * from "./filter_parse.ts";
export * from "./value_ids.ts";
export * from "./wide_column.ts";
export * from "./literal_pattern.ts";
export * from "./filter_compare.ts";
export * from "./known_values.ts";
export * from "./column_loops.ts";
export * from "./given_up.ts";
export * from "./rows_by_entry.ts";
export * from "./projections.ts";
export * from "./filter_match.ts";
export * from "./rate_meter.ts";
export * from "./histogram.ts";
export * from "./subscriber.ts";
export * from "./backfill.ts";
export * from "./answer.ts";
export * from "./answer_json.ts";
export * from "./special_prefixes.ts";
export * from "./nth_largest.ts";
export * from "./entry_loops.ts";
export * from "./entry_sums.ts";
export * from "./group_table.ts";
export * from "./groups.ts";
export * from "./candidates.ts";
export * from "./row_scan.ts";
export * from "./matching_total.ts";
export * from "./top_n_bucket.ts";
export * from "./status_class.ts";
export * from "./row_series.ts";
export * from "./top_n.ts";
export * from "./trend.ts";
export * from "./live_view.ts";

// What it all takes.
export * from "./memory_budget.ts";
