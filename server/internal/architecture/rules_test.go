package architecture

import "slices"

// Patterns of packages that share rules.
var (
	// domain are the packages that define what the gateway is about.
	domain = []string{
		"server/internal/agent", "server/internal/audit", "server/internal/auth", "server/internal/pairing",
		"server/internal/run", "server/internal/session", "server/internal/media",
	}
	// common are the packages that all domain packages may use.
	common = []string{
		"server/internal/credential", "server/internal/lastseen", "server/internal/printable", "server/internal/setting",
		"server/internal/store", "server/internal/turn",
	}
	// adapters connect the domain to providers, storage and other servers.
	adapters = []string{
		"server/internal/agent/anthropic", "server/internal/agent/builtin", "server/internal/agent/openai",
		"server/internal/store/sqlite", "server/internal/webhook",
	}
	// testSupport are the packages for tests whose names do not end in "test".
	testSupport = []string{"server/e2e/...", "server/internal/architecture"}
)

// native are the rules for what runs as a program.
var native = []rule{
	confined{domain, slices.Concat([]string{"shared/...", "server/internal/ratelimit", "github.com/google/uuid", "golang.org/x/image/...", "golang.org/x/text/unicode/norm"}, domain, common),
		"what a session, a run or a pairing is does not depend on how it is reached or kept: the domain states the interfaces, the edge and the adapters fit them"},
	never{slices.Concat(domain, common), []string{"net/http", "database/sql/..."},
		"the domain knows neither HTTP nor SQL, so that it can be tested without them and kept elsewhere"},
	confined{common, []string{"shared/protocol", "github.com/clipperhouse/uax29/v2/..."},
		"what the domain packages have in common stands below all of them and knows none"},
	only{[]string{"server/internal/lastseen"}, []string{"server/internal/auth", "server/internal/pairing"},
		"when something was last seen is asked of the package that owns the thing"},
	confined{[]string{"server/internal/format"}, []string{"shared/...", "github.com/yuin/goldmark/...", "github.com/alecthomas/chroma/v2/..."},
		"formatting is pure: the same text gives the same HTML, live, in history and in pages"},
	confined{[]string{"server/internal/config"}, []string{"github.com/titanous/json5", "server/internal/agent/reasoning"},
		"the configuration is read before anything else exists"},
	confined{[]string{"server/internal/agent/reasoning"}, []string{"server/internal/agent"},
		"separating reasoning from an answer needs the text alone, so that config can check the tags too"},
	confined{[]string{"server/internal/forwarded"}, nil,
		"what the headers of proxies say follows from the headers alone; httpd decides whose headers count"},
	only{[]string{"server/internal/forwarded"}, []string{"server/internal/httpd"},
		"the client's address, scheme and host are found out in one place"},
	confined{[]string{"server/internal/setting"}, nil,
		"it is the shape of settings and knows none of them"},
	confined{[]string{"server/internal/ratelimit"}, []string{"golang.org/x/time/rate"},
		"a limit by key knows no domain and no transport; pairing counts its requests by network as the limits do, and so may use it"},
	confined{[]string{"server/internal/store"}, nil,
		"it says what all stores promise and which errors they share, and nothing of any store"},

	never{[]string{"server/internal/conn"}, []string{"server/internal/hub", "server/internal/gateway", "server/internal/httpd"},
		"a connection moves frames and does not know what they mean"},
	confined{[]string{"server/internal/present"}, []string{"server/internal/format", "server/internal/session", "server/internal/turn", "shared/..."},
		"formatted text is derived from stored text, whoever shows it: pages, history, replays and live events"},
	only{[]string{"server/internal/format"}, []string{"server/internal/manual", "server/internal/present"},
		"messages become HTML in one place, within the limits of a frame; the manual's pages in another"},
	confined{[]string{"server/internal/manual"}, []string{"server/internal/format", "web/docs"},
		"the manual is text that the binary brings along: it depends on nothing that runs"},
	only{[]string{"server/internal/manual"}, []string{"server/internal/httpd"},
		"httpd serves the manual; the rest of the gateway does not read it"},
	never{[]string{"server/internal/hub"}, []string{"server/internal/gateway", "server/internal/httpd"},
		"fan-out serves the gateway; the other way round would be a dependency cycle"},
	confined{[]string{"server/internal/access"}, append([]string{"server/internal/metrics", "server/internal/ratelimit", "shared/..."}, domain...),
		"who comes in is decided over credentials and the domain, the same way for the WebSocket and for HTTP"},
	confined{[]string{"server/internal/registry"}, []string{"server/internal/access", "server/internal/conn", "server/internal/metrics",
		"server/internal/ratelimit", "shared/..."},
		"the registry knows connections and whose they are, not what they ask for"},
	never{[]string{"server/internal/gateway"}, append([]string{"server/internal/httpd", "server/internal/config", "server/internal/ratelimit"}, adapters...),
		"the gateway handles requests, over any transport and on any store; access limits them, and app tells the gateway its settings"},
	never{[]string{"server/internal/httpd"}, append([]string{"server/internal/conn", "server/internal/config", "server/internal/gateway", "server/internal/hub"}, adapters...),
		"pages and addresses stand on access and the domain, and reach the gateway through interfaces of their own; app tells them their settings"},
	never{adapters, []string{"server/internal/conn", "server/internal/gateway", "server/internal/httpd", "server/internal/hub", "server/internal/config"},
		"an adapter serves the domain and must not know who asks"},

	only{adapters, []string{"server/internal/app"},
		"adapters are chosen and wired in one place"},
	only{[]string{"server/internal/app"}, []string{"server/cmd/gatehouse"},
		"app puts everything together, so nothing in it can be used from below"},
	only{[]string{"server/internal/httpd", "server/internal/gateway"}, []string{"server/internal/app"},
		"only app needs the finished handlers"},
	only{[]string{"server/internal/certs"}, []string{"server/internal/app"},
		"app opens the listeners, so it chooses their certificates"},
	only{[]string{"golang.org/x/crypto/acme/..."}, []string{"server/internal/certs"},
		"certificates come from one place"},
	confined{[]string{"server/internal/conformance", "server/internal/conformance/rawws", "server/internal/doctor"},
		[]string{"server/internal/conformance/rawws", "server/internal/terminal"},
		"who examines a gateway from outside uses none of its code, so that a fault cannot hide in what both share"},
	confined{[]string{"server/internal/terminal"}, nil,
		"what a terminal may be sent depends on nothing that the gateway does"},
	only{[]string{"server/internal/terminal"}, []string{"server/internal/conformance", "server/internal/doctor", "server/cmd/gatehouse"},
		"only what examines strangers' gateways prints their texts"},
	only{[]string{"server/internal/conformance", "server/internal/doctor"}, []string{"server/cmd/gatehouse"},
		"they look at a gateway; no gateway needs them"},
	confined{[]string{"server/internal/backup"}, []string{"server/internal/auth", "server/internal/media"},
		"a backup is made of files: app tells it how the database is copied and checked"},
	only{[]string{"server/internal/backup"}, []string{"server/internal/app", "server/cmd/gatehouse"},
		"backups are an operator's, so nothing that serves needs them"},
	only{[]string{"server/internal/store"}, append([]string{"server/internal/gateway", "server/internal/store/sqlite"}, domain...),
		"the domain's stores are made of its transactions, and the gateway turns its errors into codes; all others ask the domain"},
	only{[]string{"web/page", "web/part"}, []string{"server/internal/httpd", "web/page"},
		"HTML is made in one place"},
	only{[]string{"web/docs"}, []string{"server/internal/httpd", "server/internal/manual"},
		"the text of the manual is read where it is formatted and addressed"},
	confined{[]string{"web/docs"}, nil,
		"it is the manual's text and nothing else"},
	only{[]string{"web/static"}, []string{"server/internal/app", "server/internal/httpd"},
		"httpd serves the client; app loads it first, so that a binary without it does not start"},

	only{[]string{"database/sql/...", "modernc.org/...", "github.com/pressly/goose/v3/..."}, []string{"server/internal/store/sqlite"},
		"SQL stays in its adapter, so that another store can take its place"},
	only{[]string{"github.com/openai/openai-go/v3/..."}, []string{"server/internal/agent/openai"},
		"a provider's library stays in its adapter"},
	only{[]string{"github.com/anthropics/anthropic-sdk-go/..."}, []string{"server/internal/agent/anthropic"},
		"a provider's library stays in its adapter"},
	only{[]string{"github.com/coder/websocket/..."}, []string{"server/internal/conn", "shared/client/native"},
		"one package of the server and one of the client know the WebSocket library, its limits and its traps"},
	only{[]string{"github.com/ledongthuc/pdf/..."}, []string{"server/internal/pdftext"},
		"a library that a hostile file can stop runs in a process of its own, which one package is made for"},
	confined{[]string{"server/internal/pdftext"}, []string{"github.com/ledongthuc/pdf", "golang.org/x/text/unicode/norm"},
		"the process that reads PDFs does nothing else"},
	only{[]string{"server/internal/pdftext"}, []string{"server/internal/app", "server/cmd/gatehouse"},
		"app has PDFs read, and the command is the process that reads them"},
	only{[]string{"golang.org/x/image/..."}, []string{"server/internal/media"},
		"what strangers send is decoded in one place, within its limits"},
	only{[]string{"github.com/yuin/goldmark/...", "github.com/alecthomas/chroma/v2/..."}, []string{"server/internal/format"},
		"whoever makes HTML of an answer has to make it safe: one package does"},
	only{[]string{"github.com/prometheus/client_golang/..."}, []string{"server/internal/metrics"},
		"what is counted, and under which names, is said in one place"},
	confined{[]string{"server/internal/metrics"}, []string{"server/internal/conn", "github.com/prometheus/client_golang/..."},
		"counting must not depend on what is counted"},
	only{[]string{"github.com/go-chi/chi/v5/..."}, []string{"server/internal/httpd", "server/internal/livereload"},
		"routing belongs to httpd"},

	confined{[]string{"web/page", "web/part", "web/static"}, []string{"shared/...", "web/part", "github.com/a-h/templ/..."},
		"pages are made of what they are given, so that they can be shown and tested without a server"},
	confined{[]string{"shared/client/native"}, []string{"shared/...", "github.com/coder/websocket"},
		"whoever writes a client in Go gets one dependency"},
}

// browser are the rules for what is compiled to WebAssembly.
var browser = []rule{
	confined{[]string{"wasm/...", "shared/..."}, []string{"shared/...", "wasm/..."},
		"each dependency is downloaded by every browser"},
	confined{[]string{"wasm/internal/view"}, []string{"shared/..."},
		"what is shown for a model is decided without a browser, so that tests can read it"},
	confined{[]string{"shared/words"}, []string{"shared/protocol", "shared/text"},
		"what both sides say is a function of the value alone, so that both say the same"},
	never{[]string{"shared/words"}, []string{"time", "unicode", "strings", "fmt", "regexp", "encoding/json", "net/url"},
		"every browser downloads it: time is 57 kB there and unicode's tables 8"},
	unlinked{"wasm", []string{
		"net/http", "encoding/json", "fmt", "regexp", "net/url", "log/...", "math/big",
		"github.com/a-h/templ/...", "github.com/yuin/goldmark/...",
	}, "their weight, over a client of some 500 kB: fmt +126, regexp +122, net/url +169, encoding/json +246, log/slog +273, goldmark +422, net/http +600, templ +734"},
}
