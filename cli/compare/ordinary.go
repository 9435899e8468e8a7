// Counts requests by website, client prefix, path and status, minute by minute, from a log of the logtail format.
//
// This is the yardstick of the comparison: the program that a good engineer writes in an afternoon, with the standard
// library's own tools (bufio.Scanner, strings.Split, net/netip, a map with a struct as key) and with the cap that such
// programs have: beyond 100 000 keys a minute, lines with new keys are dropped. Neither tuned nor held back.
//
// Prints one JSON object. Dates from Go 1.19, the one of Debian 12.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"sort"
	"strconv"
	"strings"
)

const (
	keysPerMinute = 100_000
	v4Bits        = 24
	v6Bits        = 48
)

type key struct {
	host, prefix, uri string
	status            int
}

type counters struct {
	count, bytes int64
	time         float64
}

type share struct {
	Label string `json:"label"`
	Count int64  `json:"count"`
}

type report struct {
	Lines    int64   `json:"lines"`
	Bad      int64   `json:"bad"`
	Dropped  int64   `json:"dropped"`
	Bytes    int64   `json:"bytes"`
	Prefixes []share `json:"prefixes"`
}

type counter struct {
	report
	minute   int64
	rows     map[key]*counters
	prefixes map[string]int64
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: ordinary FILE")
		os.Exit(2)
	}
	file, err := os.Open(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer file.Close()

	c := &counter{rows: make(map[key]*counters), prefixes: make(map[string]int64)}
	scanner := bufio.NewScanner(file)
	scanner.Buffer(make([]byte, 1024*1024), 1024*1024)
	for scanner.Scan() {
		c.line(scanner.Text())
	}
	if err := scanner.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	c.endMinute()

	for label, count := range c.prefixes {
		c.Prefixes = append(c.Prefixes, share{label, count})
	}
	sort.Slice(c.Prefixes, func(i, j int) bool { return c.Prefixes[i].Count > c.Prefixes[j].Count })
	if len(c.Prefixes) > 10 {
		c.Prefixes = c.Prefixes[:10]
	}
	json.NewEncoder(os.Stdout).Encode(c.report)
}

func (c *counter) line(line string) {
	c.Lines++
	fields := strings.Split(line, "\t")
	if len(fields) < 8 {
		c.Bad++
		return
	}
	prefix, err := mask(fields[1])
	if err != nil {
		c.Bad++
		return
	}
	seconds, err := strconv.ParseFloat(fields[2], 64)
	if err != nil {
		c.Bad++
		return
	}
	status, err := strconv.Atoi(fields[5])
	if err != nil {
		c.Bad++
		return
	}
	bytes, err := strconv.ParseInt(fields[6], 10, 64)
	if err != nil {
		c.Bad++
		return
	}
	requestTime, err := strconv.ParseFloat(fields[7], 64)
	if err != nil {
		c.Bad++
		return
	}
	uri, _, _ := strings.Cut(fields[4], "?")

	if minute := int64(seconds) / 60; minute != c.minute {
		c.endMinute()
		c.minute = minute
	}
	k := key{fields[0], prefix, uri, status}
	row, ok := c.rows[k]
	if !ok {
		if len(c.rows) >= keysPerMinute {
			c.Dropped++
			return
		}
		row = &counters{}
		c.rows[k] = row
	}
	row.count++
	row.bytes += bytes
	row.time += requestTime
}

// mask returns the client's /24 or /48.
func mask(client string) (string, error) {
	address, err := netip.ParseAddr(client)
	if err != nil {
		return "", err
	}
	bits := v6Bits
	if address.Is4() {
		bits = v4Bits
	}
	prefix, err := address.Prefix(bits)
	if err != nil {
		return "", err
	}
	return prefix.String(), nil
}

// endMinute adds the minute's rows to the totals and starts a new map.
func (c *counter) endMinute() {
	for k, row := range c.rows {
		c.Bytes += row.bytes
		c.prefixes[k.prefix] += row.count
	}
	c.rows = make(map[key]*counters)
}
