package app

import (
	"fmt"
	"net"
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
)

// printWelcome prints the gateway's addresses and a sign-in link, for the person who starts
// the gateway. The link must not get into the log, so this text does not go through it.
func (g *gatehouse) printWelcome() {
	if g.Out == nil {
		return
	}
	at := g.publicAddress()
	var b strings.Builder
	fmt.Fprintf(&b, "\n  Gatehouse %s is open.\n\n", g.Version)
	fmt.Fprintf(&b, "    Chat     %s\n", at)
	fmt.Fprintf(&b, "    Admin    %s/login#%s\n", at, g.links.New())
	fmt.Fprintf(&b, "             This sign-in link works once, within %d minutes.\n",
		int(auth.LinkLife.Minutes()))
	fmt.Fprintf(&b, "    Data     %s\n", g.Config.DataDir)
	fmt.Fprintf(&b, "    Agent    %s\n\n", g.agentLine())
	_, _ = g.Out.Write([]byte(b.String())) // there is nobody to report a failure to
}

func (g *gatehouse) agentLine() string {
	first := g.settings.Load().list[0]
	if first.Provider != "builtin" {
		return first.Name + " (" + first.Provider + ", " + first.Model + ")"
	}
	const demo = "the built-in demo answers. For a real model, "
	if file := g.Config.File; file != "" {
		return demo + "add to " + file + `:
             agents: { list: { default: { provider: "openai",
               base_url: "http://127.0.0.1:11434/v1", model: "llama3.2" } } },`
	}
	return demo + `write config.json5:
             { agents: { list: { default: { provider: "openai",
               base_url: "http://127.0.0.1:11434/v1", model: "llama3.2" } } } }`
}

// publicAddress is the URL of the gateway: the configured one, or else one that works
// on this machine.
func (g *gatehouse) publicAddress() string {
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
