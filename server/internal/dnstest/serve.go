// Package dnstest is a name server for tests.
package dnstest

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
)

// Serve answers for names, fully qualified, with their IPv4 addresses, and knows
// no others. With nil every name is 127.0.0.1. It returns its address, a TCP one,
// and ends with the test.
func Serve(t testing.TB, known map[string][]net.IP) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var clients sync.WaitGroup
	clients.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			stop := context.AfterFunc(t.Context(), func() { _ = c.Close() })
			clients.Go(func() {
				defer stop()
				defer c.Close()
				for answerOne(c, known) == nil {
				}
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); clients.Wait() })
	return l.Addr().String()
}

// Resolver asks Serve's server.
func Resolver(t testing.TB, known map[string][]net.IP) *net.Resolver {
	t.Helper()
	address := Serve(t, known)
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", address)
	}}
}

// answerOne reads a query, which over TCP follows its length, and answers it.
func answerOne(c io.ReadWriter, known map[string][]net.IP) error {
	var length [2]byte
	if _, err := io.ReadFull(c, length[:]); err != nil {
		return err
	}
	query := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(c, query); err != nil {
		return err
	}
	reply, err := answer(query, known)
	if err != nil {
		return err
	}
	binary.BigEndian.PutUint16(length[:], uint16(len(reply)))
	_, err = c.Write(append(length[:], reply...))
	return err
}

// What RFC 1035, section 4.1, says of messages.
const (
	headerSize  = 12
	flagsOK     = 0x8580 // a response, authoritative, recursion desired and available
	unknownName = 3      // the response code NXDOMAIN
	typeA       = 1
	classIN     = 1
	toQuestion  = 0xc000 | headerSize // a pointer to the name in the question
)

var errQuery = errors.New("dnstest: not a query")

// answer makes the reply to a query with one question; what follows the question is
// ignored.
func answer(query []byte, known map[string][]net.IP) ([]byte, error) {
	if len(query) < headerSize {
		return nil, errQuery
	}
	name, rest, err := readName(query[headerSize:])
	if err != nil || len(rest) < 4 {
		return nil, errQuery
	}
	addresses, ok := known[name]
	flags := uint16(flagsOK)
	switch {
	case known == nil:
		addresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	case !ok:
		flags |= unknownName
	}
	if binary.BigEndian.Uint16(rest) != typeA {
		addresses = nil
	}
	reply := append([]byte{}, query[:2]...) // the query's id
	for _, word := range []uint16{flags, 1, uint16(len(addresses)), 0, 0} {
		reply = binary.BigEndian.AppendUint16(reply, word)
	}
	reply = append(reply, query[headerSize:len(query)-len(rest)+4]...)
	for _, ip := range addresses {
		for _, word := range []uint16{toQuestion, typeA, classIN, 0, 1, net.IPv4len} { // for a second
			reply = binary.BigEndian.AppendUint16(reply, word)
		}
		reply = append(reply, ip.To4()...)
	}
	return reply, nil
}

// readName reads a name, as labels that each follow their length, and returns it
// with its dots and what follows it.
func readName(b []byte) (name string, rest []byte, err error) {
	for len(b) > 0 {
		n := int(b[0])
		switch {
		case n == 0:
			return name, b[1:], nil
		case n > 63 || len(b) < 1+n:
			return "", nil, errQuery
		}
		name += string(b[1:1+n]) + "."
		b = b[1+n:]
	}
	return "", nil, errQuery
}
