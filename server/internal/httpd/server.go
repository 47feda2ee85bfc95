package httpd

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/gatehouse-chat/gatehouse/server/internal/livereload"
	"github.com/gatehouse-chat/gatehouse/server/internal/media"
	"github.com/gatehouse-chat/gatehouse/server/internal/metrics"
	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/server/internal/present"
	"github.com/gatehouse-chat/gatehouse/server/internal/ratelimit"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/web/page"
	"github.com/gatehouse-chat/gatehouse/web/part"
	"github.com/gatehouse-chat/gatehouse/web/static"
)

// Options are the parts that the HTTP side uses. All are required.
type Options struct {
	Log         *slog.Logger
	Metrics     *metrics.Metrics // counts refusals and bytes, and is served at /metrics
	Identities  Identities
	SignIns     SignIns
	Gateway     Gateway
	Refusals    Refusals
	Connections Connections
	Keys        KeyList
	Audit       AuditLog
	Sessions    *session.Service   // transcripts and lists, for pages
	Formatter   *present.Formatter // of messages
	Pairings    *pairing.Service   // browsers that ask for access, and those that have it
	Media       *media.Service     // files
	Assets      *static.Assets     // the client, style sheets and icons
	Instance    string             // id of this gateway's data, part of the cookie's name
	Hosts       Hosts              // the gateway's host names that Settings do not have
	Settings    setting.Live[Settings]

	// Ready gives an error while the store cannot be used.
	Ready func(context.Context) error
}

type server struct {
	Options
	site    page.Site
	proxies minuteLimiter    // of warnOfForwarding
	lines   *ratelimit.Lines // log lines about refusals
	manual  manualPages

	readiness readiness
}

// New makes the handler of everything that the gateway serves.
func New(o Options) http.Handler {
	s := &server{Options: o, lines: ratelimit.NewLines(10 * linesPerMinute),
		site: page.Site{Instance: o.Instance, Assets: part.Assets{
			Stylesheet: o.Assets.URL("app.css"), Script: o.Assets.URL("boot.js"),
			Wasm: o.Assets.URL("app.wasm"),
			Exec: o.Assets.URL("wasm_exec.js"), Icon: o.Assets.URL("favicon.svg"),
			Reload: livereload.Script(),
		}}}
	s.manual.site = s.site
	r := chi.NewRouter()
	r.Use(s.recoverPanics, s.withSettings, s.compress, s.setHeaders, s.withBase, s.checkHost,
		middleware.GetHead)
	r.Get("/ws", s.webSocket)
	r.Get("/health", s.health)
	r.Get("/readyz", s.ready)
	r.Get("/metrics", s.serveMetrics)
	r.Method(http.MethodGet, "/static/*", o.Assets)
	r.Method(http.MethodHead, "/static/*", o.Assets)
	r.Route("/api", func(r chi.Router) {
		r.Use(s.cors)
		r.Post("/session", s.signIn)
		r.Delete("/session", s.signOut)
		r.Post("/media/upload", s.upload)
		r.Get("/media/{id}", s.file)
		r.Delete("/media/{id}", s.removeFile)
	})
	r.Route("/v1", func(r chi.Router) {
		r.Use(s.cors)
		r.Post("/media/upload", s.upload)
		r.Get("/agents", s.v3Agents)
		r.Get("/providers", s.v3Providers)
	})
	r.Get("/pair/qr.svg", s.qr)
	r.Get("/", s.chat)
	r.Get("/s/{key}", s.chat)
	r.Get("/docs", s.docs)
	r.Get("/docs/{name}", s.docs)
	r.Get("/login", s.login)
	r.Get("/admin", s.forAdmins(s.adminPairings))
	r.Get("/admin/sessions", s.forAdmins(s.adminSessions))
	r.Get("/admin/clients", s.forAdmins(s.adminClients))
	r.Get("/admin/keys", s.forAdmins(s.adminKeys))
	r.Get("/admin/audit", s.forAdmins(s.adminAudit))
	r.Get("/admin/audit.csv", s.auditCSV)
	r.Get("/admin/status", s.forAdmins(s.adminStatus))
	livereload.Mount(r)
	r.NotFound(s.notFound)
	r.MethodNotAllowed(s.notAllowed(r))
	return r
}

// notAllowed answers a request with a method that the path does not have, with the list
// of those that it has (RFC 9110 §15.5.6). The router also comes here with a method that it
// does not know, whatever the path is.
func (s *server) notAllowed(routes chi.Routes) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var allowed []string
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			if routes.Match(chi.NewRouteContext(), method, r.URL.Path) {
				allowed = append(allowed, method)
				if method == http.MethodGet {
					allowed = append(allowed, http.MethodHead)
				}
			}
		}
		if len(allowed) == 0 {
			s.notFound(w, r)
			return
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		writeError(w, http.StatusMethodNotAllowed,
			protocol.Refuse(protocol.InvalidRequest, "this address does not take "+r.Method))
	}
}
