package app

import (
	"fmt"
	"net"
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
)

// welcome tells the person who started the gateway where everything is. It is
// the one place that prints a sign-in link, and it does not go through the log.
func (g *gatehouse) welcome() {
	if g.Out == nil {
		return
	}
	at := g.address()
	var b strings.Builder
	fmt.Fprintf(&b, "\n  Gatehouse %s is open.\n\n", g.Version)
	fmt.Fprintf(&b, "    Chat     %s\n", at)
	fmt.Fprintf(&b, "    Admin    %s/login#%s\n", at, g.links.New())
	fmt.Fprintf(&b, "             This sign-in link works once, within %d minutes.\n", int(auth.LinkLife.Minutes()))
	fmt.Fprintf(&b, "    Data     %s\n", g.Config.DataDir)
	fmt.Fprintf(&b, "    Agent    %s\n\n", g.agentLine())
	_, _ = g.Out.Write([]byte(b.String())) // nobody to tell if it fails
}

func (g *gatehouse) agentLine() string {
	first := g.live.Load().list[0]
	if first.Provider != "builtin" {
		return first.Name + " (" + first.Provider + ", " + first.Model + ")"
	}
	return `the built-in demo answers. For a real model, write config.json5:
             { agents: { list: { default: { provider: "openai",
               base_url: "http://127.0.0.1:11434/v1", model: "llama3.2" } } } }`
}

// address is under which people on this machine, or of the public URL, reach
// the gateway.
func (g *gatehouse) address() string {
	if u := g.Config.Gateway.PublicURL; u != "" {
		return strings.TrimSuffix(u, "/")
	}
	scheme := "http"
	if g.certs != nil {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(g.listener.Addr().String())
	if err != nil {
		return scheme + "://" + g.listener.Addr().String()
	}
	if names := g.Config.TLS.ACMEHosts; len(names) > 0 {
		return strings.TrimSuffix(scheme+"://"+net.JoinHostPort(names[0], port), ":443")
	}
	if ip := net.ParseIP(host); ip != nil && (ip.IsUnspecified() || ip.IsLoopback()) {
		host = "localhost"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}
