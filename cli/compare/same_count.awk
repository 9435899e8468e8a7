# Counts a log of the logtail format, one line a request, fields separated by tabs (mawk -F '\t'), and prints
#
#   tuples   N                       distinct (website, prefix, path, status)
#   total    LINES BYTES SECONDS     SECONDS with three decimals
#   website  LABEL REQUESTS BYTES SECONDS MAX     and the same for prefix, uri, status, method
#
# separated by tabs. With -v quick=1 the tuples alone are counted and only the first two lines printed: what a person at a
# shell would do, and what the comparison measures. Nothing is shared with the engine: the golden test trusts this count.
#
# A /48 is taken to be the first three groups of the address as they stand, without leading zeros and with `::` behind them: so nginx writes
# every address whose second and third group are not zero, and no other is in the traffic made here. Escapes (\x22)
# are left alone, and none is in that traffic either.
# Byte sums stay whole numbers in a double below 2^53; times are added up in milliseconds for the same reason.

{
  query = index($5, "?")
  path = query ? substr($5, 1, query - 1) : $5
  if (index($2, ":")) {
    split($2, group, ":")
    prefix = group[1] ":" group[2] ":" group[3] "::/48"
  } else {
    split($2, octet, ".")
    prefix = octet[1] "." octet[2] "." octet[3] ".0/24"
  }
  milliseconds = int($8 * 1000 + 0.5)
  if (++requests[$1 "\t" prefix "\t" path "\t" $6] == 1) tuples++
  lines++
  total_bytes += $7
  total_time += milliseconds
  if (quick) next
  count("website\t" $1)
  count("prefix\t" prefix)
  count("uri\t" path)
  count("status\t" $6)
  count("method\t" $4)
}

function count(value) {
  value_requests[value]++
  value_bytes[value] += $7
  value_times[value] += milliseconds
  if (milliseconds > value_longest[value]) value_longest[value] = milliseconds
}

END {
  printf "tuples\t%d\n", tuples
  printf "total\t%d\t%.0f\t%.3f\n", lines, total_bytes, total_time / 1000
  for (value in value_requests) {
    printf "%s\t%d\t%.0f\t%.3f\t%.3f\n", value, value_requests[value], value_bytes[value], value_times[value] / 1000, value_longest[value] / 1000
  }
}
