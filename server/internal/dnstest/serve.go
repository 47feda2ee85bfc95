// Package dnstest is a name server for tests.
package dnstest

import (
	"context"
	"net"
	"testing"

	"github.com/miekg/dns"
)

// Serve answers for names, fully qualified, with their IPv4 addresses, and knows
// no others. With nil every name is 127.0.0.1. It gives its address, a TCP one,
// and ends with the test.
func Serve(t testing.TB, known map[string][]net.IP) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{Listener: l, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		answer := new(dns.Msg).SetReply(q)
		name := q.Question[0].Name
		addresses, ok := known[name]
		switch {
		case known == nil:
			addresses = []net.IP{net.IPv4(127, 0, 0, 1)}
		case !ok:
			answer.Rcode = dns.RcodeNameError
		}
		if q.Question[0].Qtype == dns.TypeA {
			for _, ip := range addresses {
				answer.Answer = append(answer.Answer, &dns.A{
					Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 1}, A: ip,
				})
			}
		}
		_ = w.WriteMsg(answer)
	})}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = server.ActivateAndServe() }()
	t.Cleanup(func() { _ = l.Close(); <-ended })
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
