// Sends log lines in datagrams to the loopback at a steady rate, and prints how many datagrams it has sent.
//
//	sender PORT DATAGRAMS_A_SECOND SECONDS LINES_A_DATAGRAM
//
// Lines have the `logtail` format, 20 000 distinct ones (50 sites, 200 networks, 20 000 paths), and the time of now.
package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"time"
)

func main() {
	var numbers [4]int
	for i := range numbers {
		number, err := strconv.Atoi(os.Args[i+1])
		if err != nil {
			panic(err)
		}
		numbers[i] = number
	}
	port, rate, seconds, lines := numbers[0], numbers[1], numbers[2], numbers[3]
	socket, err := net.Dial("udp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		panic(err)
	}
	buffer := make([]byte, 0, 65507)
	sent, line := 0, 0
	began := time.Now()
	for {
		now := time.Now()
		passed := now.Sub(began)
		if passed >= time.Duration(seconds)*time.Second {
			break
		}
		due := int(passed.Seconds()*float64(rate)) - sent
		if due <= 0 {
			time.Sleep(200 * time.Microsecond)
			continue
		}
		stamp := fmt.Sprintf("\t%d.%03d\tGET\t/page/", now.Unix(), now.Nanosecond()/1e6)
		for ; due > 0; due-- {
			buffer = buffer[:0]
			for i := 0; i < lines; i++ {
				kind := int64(uint32(line)*2654435761>>8) % 20000 // in no order
				buffer = append(buffer, "site-"...)
				buffer = strconv.AppendInt(buffer, kind%50, 10)
				buffer = append(buffer, ".example\t198.18."...)
				buffer = strconv.AppendInt(buffer, kind%200, 10)
				buffer = append(buffer, ".1"...)
				buffer = append(buffer, stamp...)
				buffer = strconv.AppendInt(buffer, kind, 10)
				buffer = append(buffer, "\t200\t612\t0.004\n"...)
				line++
			}
			// A write that fails is not sent: the socket of a collector that is gone refuses.
			if _, err := socket.Write(buffer); err == nil {
				sent++
			}
		}
	}
	fmt.Println(sent)
}
