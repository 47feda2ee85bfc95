package httpd

import (
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/metrics"
	"github.com/gatehouse-chat/gatehouse/server/internal/ratelimit"
	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/web/page"
)

// Hosts are the gateway's host names that the settings do not have.
type Hosts struct {
	// Machine is the name of the machine, or empty.
	Machine string
	// Certified reports whether the gateway's certificate is valid for a host; nil: the
	// gateway has none.
	Certified func(host string) bool
}

// own reports whether a Host header names this gateway.
//
// A page of any site can make its own name lead to the address of a gateway (DNS
// rebinding). For the browser the gateway is then that site, and the page may read and
// send what it likes. So a host has to be known, or be one that no public site can have.
func (h Hosts) own(host string, s Settings) bool {
	name, _ := splitHost(host)
	if a, err := netip.ParseAddr(name); err == nil {
		return a.IsValid()
	}
	name = strings.TrimSuffix(name, ".")
	if !isHostName(name) {
		return false
	}
	return isLocalName(name) || name == strings.ToLower(strings.TrimSuffix(h.Machine, ".")) ||
		s.namesHost(name) || h.Certified != nil && h.Certified(name)
}

// isLocalName reports whether no public site can have the name: RFC 6761, RFC 6762, RFC
// 8375, the names that ICANN reserves for networks of one's own, and names of one label.
func isLocalName(name string) bool {
	if !strings.Contains(name, ".") {
		return true
	}
	return slices.ContainsFunc([]string{".localhost", ".local", ".lan", ".internal", ".home.arpa"},
		func(suffix string) bool { return strings.HasSuffix(name, suffix) })
}

// isHostName reports whether s is a host name as browsers send it, in lower case.
func isHostName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || strings.IndexFunc(label, func(c rune) bool {
			return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_'
		}) >= 0 {
			return false
		}
	}
	return true
}

// splitHost splits a Host header into the name, in lower case and without the brackets of
// an IPv6 address, and the port, which may be empty.
func splitHost(host string) (name, port string) {
	host = strings.ToLower(host)
	end := strings.LastIndexByte(host, ']') + 1
	name, port, _ = strings.Cut(host[end:], ":")
	if name = host[:end] + name; strings.Trim(port, "0123456789") != "" {
		return host, "" // an IPv6 address without brackets, or nonsense
	}
	if a, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil && a.Is6() {
		name = strings.Trim(name, "[]")
	}
	return name, port
}

// checkHost refuses a browser's request if the host that it was sent to is not the
// gateway's. Programs may name any host. Probes are answered under each name.
func (s *server) checkHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		probe := r.URL.Path == "/health" || r.URL.Path == "/readyz"
		if probe || !fromBrowser(r) {
			next.ServeHTTP(w, r)
			return
		}
		for _, host := range s.askedHosts(r) {
			if !s.Hosts.own(host, s.settings(r)) {
				s.rejectHost(w, r, host)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// askedHosts are the hosts that the request was sent to. A trusted proxy may name several:
// the first may be the client's own invention, so each of them has to be the gateway's.
func (s *server) askedHosts(r *http.Request) []string {
	if claimed := s.claims(r).Hosts; len(claimed) > 0 {
		return claimed
	}
	return []string{r.Host}
}

// fromBrowser reports whether a browser made the request. Over plain HTTP, browsers send
// no Sec-Fetch header, and no Origin header when they open a page; then they ask for
// HTTPS.
func fromBrowser(r *http.Request) bool {
	if len(r.Header["Origin"]) > 0 || r.Header.Get("Upgrade-Insecure-Requests") != "" {
		return true
	}
	for name := range r.Header {
		if strings.HasPrefix(name, "Sec-Fetch-") {
			return true
		}
	}
	return false
}

// rejectHost refuses and logs a request to a host that is not the gateway's.
func (s *server) rejectHost(w http.ResponseWriter, r *http.Request, host string) {
	s.Metrics.HostRejected()
	if r.URL.Path == "/ws" {
		s.Metrics.UpgradeRefused(metrics.RefusedHost)
	}
	logHost(s.Log, s.lines, r, s.clientAddress(r), host)
	if !wantsPage(r) {
		refuseHost(w, r, host)
		return
	}
	name, _ := splitHost(host)
	s.render(w, r, http.StatusMisdirectedRequest, page.Notice(page.NoticeModel{
		Site: s.site, Status: "421", Title: "Not at this name",
		Text: "This gateway does not answer under the name " + shown(name) + ". Use the address that " +
			"its admin gave you. If you are the admin and people reach the gateway by this name, set " +
			"gateway.public_url to its URL, or add the name to gateway.hosts in the configuration:",
		Detail: hostLine(host),
	}))
}

// wantsPage reports whether a person is to read the answer.
func wantsPage(r *http.Request) bool {
	api := strings.HasPrefix(r.URL.Path, "/api/") || strings.HasPrefix(r.URL.Path, "/v1/")
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && !api &&
		strings.Contains(r.Header.Get("Accept"), "text/html")
}

// hostLine is the line of configuration that makes a host the gateway's.
func hostLine(host string) string {
	name, _ := splitHost(host)
	if name = strings.TrimSuffix(name, "."); !isHostName(name) {
		name = "chat.example.com"
	}
	return `gateway: { hosts: ["` + name + `"] }`
}

// hostMend is what makes the gateway answer: if the request's page is at another host than
// the one that has arrived, a proxy has put that one in its place.
func hostMend(r *http.Request, host string) string {
	name, _ := splitHost(host)
	_, page, _ := strings.Cut(pageOrigin(r), "://")
	page, _ = splitHost(page)
	switch {
	case name == "":
		return "nginx: " + nginxHost
	case page != "" && page != name:
		return "nginx: " + nginxHost + " if a proxy has put " + shown(name) + " in place of " +
			shown(page) + ", else " + hostLine(host)
	}
	return hostLine(host)
}

func logHost(log *slog.Logger, lines *ratelimit.Lines, r *http.Request, address netip.Addr,
	host string) {
	if lines.Allow(address) {
		log.Warn("security.host_rejected", "host", shown(host), "address", address, "path", r.URL.Path,
			"mend", hostMend(r, host))
	}
}

func refuseHost(w http.ResponseWriter, r *http.Request, host string) {
	message := "this gateway does not answer under the host " + shown(host) +
		": if people reach it by that name, add the name to gateway.hosts, " +
		"or set gateway.public_url to its URL: " + hostMend(r, host)
	if host == "" {
		message = "the request names no host: let the proxy in front pass the Host header on: " +
			hostMend(r, host)
	}
	writeError(w, http.StatusMisdirectedRequest, protocol.Refuse(protocol.InvalidRequest, message))
}

// OwnHostOptions are what OwnHost needs.
type OwnHostOptions struct {
	Log      *slog.Logger
	Metrics  *metrics.Metrics // counts refusals
	Hosts    Hosts
	Settings setting.Live[Settings]
}

// OwnHost refuses each request, also of a program, whose Host header does not name this
// gateway. It is for a listener that takes no credential and no proxy.
func OwnHost(o OwnHostOptions, next http.Handler) http.Handler {
	lines := ratelimit.NewLines(linesPerMinute)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !o.Hosts.own(r.Host, o.Settings()) {
			o.Metrics.HostRejected()
			logHost(o.Log, lines, r, socketAddress(r), r.Host)
			refuseHost(w, r, r.Host)
			return
		}
		next.ServeHTTP(w, r)
	})
}
