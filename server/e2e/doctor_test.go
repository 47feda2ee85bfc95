package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
)

const doctorDialog = "#" + markup.IDDoctorDialog

// diagnosisIs is a condition: the dialog about the connection shows that diagnosis.
func diagnosisIs(state string) string {
	return `(d => d?.open && d.dataset.state === "` + state + `")(document.querySelector("` +
		doctorDialog + `"))`
}

// fixesSelector selects what unfolds the configuration lines for a diagnosis.
func fixesSelector(state string) string {
	return doctorDialog + ` .doctor-when[data-when="` + state + `"] summary`
}

// startReverseProxy puts a proxy in front of the gateway, which browsers then use. change
// edits requests to the gateway; instead, if not nil, answers requests for /ws.
func startReverseProxy(t *testing.T, g *gatehouse, change func(*httputil.ProxyRequest), instead http.HandlerFunc) {
	t.Helper()
	target, err := url.Parse("http://" + g.Address)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
			if change != nil {
				change(r)
			}
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if instead != nil && r.URL.Path == "/ws" {
			instead(w, r)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	g.publicAddress = strings.TrimPrefix(s.URL, "http://")
}

// TestDoctor opens pages behind proxies that are configured wrongly. Each page finds the
// fault by itself; it opens the dialog by itself where waiting does not help.
func TestDoctor(t *testing.T) {
	t.Parallel()
	chromium := browser(t)
	withoutUpgrade := func(r *httputil.ProxyRequest) {
		r.Out.Header.Del("Upgrade")
		r.Out.Header.Del("Connection")
	}
	renamed := func(r *httputil.ProxyRequest) { // the gateway knows the name no more, but the page is open
		if path := r.In.URL.Path; path == "/ws" || strings.HasPrefix(path, "/api/") {
			r.Out.Host = "gone.example.com"
		}
	}
	for _, row := range []struct {
		state   string
		change  func(*httputil.ProxyRequest)
		instead http.HandlerFunc
		bad     string // the check that fails
		mends   string
	}{
		{markup.DoctorUpgrade, withoutUpgrade, nil, markup.CheckSocket,
			"proxy_set_header Upgrade $http_upgrade;"},
		{markup.DoctorRoute, nil, http.NotFound, markup.CheckRoute, "default_backend gatehouse"},
		{markup.DoctorOrigin, func(r *httputil.ProxyRequest) { r.Out.Host = "127.0.0.1:8080" }, nil, markup.CheckOrigin, "proxy_set_header Host $http_host;"},
		{markup.DoctorHost, renamed, nil, markup.CheckOrigin, "gone.example.com"},
	} {
		g := startGatehouse(t, "")
		startReverseProxy(t, g, row.change, row.instead)
		b := newTab(t, chromium)
		b.open(g.url("/"))
		if row.state == markup.DoctorOrigin || row.state == markup.DoctorHost { // the page does not even get a cookie
			b.wait("it cannot go on", stateIs(markup.StateWrongAddress))
			b.click(`.door-when[data-when="wrong-address"] [data-action="` +
				markup.ActionExamine + `"]`)
		}
		b.wait(row.state, diagnosisIs(row.state))
		bad := `[...document.querySelectorAll("` + doctorDialog +
			` [data-state=bad]")].map(c => c.dataset.check).join(" ")`
		if got := evaluate[string](b, bad); got != row.bad {
			t.Errorf("%s: bad is %q, want %q", row.state, got, row.bad)
		}
		b.click(fixesSelector(row.state))
		if text := b.text(doctorDialog); !strings.Contains(text, row.mends) {
			t.Errorf("%s: the dialog says %q, and not %q", row.state, text, row.mends)
		}
		screenshots(b, row.state)
		b.click(doctorDialog + ` .dialog-actions [data-action="` + markup.ActionCloseDialog + `"]`)
		b.wait("closed", `!document.querySelector("`+doctorDialog+`").open`)
	}
}

// TestDoctorKeepsQuiet checks that a gateway that is down for a while opens no dialog,
// that the dialog opens on request, and that it says when all is well.
func TestDoctorKeepsQuiet(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	startReverseProxy(t, g, nil, nil)
	user, _ := pairedTabs(t, g)
	g.Kill()
	user.wait("it fails again and again", connectionIs(markup.LinkFailing))
	screenshots(user, "failing")
	for _, action := range []string{markup.ActionReconnectNow, markup.ActionExamine} {
		if n := user.number(`[...document.querySelectorAll('#` + markup.IDConnection + ` ` + actionSelector(action) + `')].filter(e => e.checkVisibility()).length`); n != 1 {
			t.Errorf("the pill has %d buttons %s", n, action)
		}
	}
	time.Sleep(time.Second)
	if user.number(`+document.querySelector("`+doctorDialog+`").open`) != 0 {
		t.Error("the dialog opened by itself")
	}
	user.click(`#` + markup.IDConnection + ` [data-action="` + markup.ActionExamine + `"]`)
	user.wait("a proxy without its gateway", diagnosisIs(markup.DoctorStranger))
	user.click(fixesSelector(markup.DoctorStranger))
	if text := user.text(doctorDialog); !strings.Contains(text, "HTTP 502") || !strings.Contains(text, "proxy_pass http://127.0.0.1:8080;") {
		t.Errorf("the dialog says %q", text)
	}
	screenshots(user, "stranger")
	g.Start()
	user.click(doctorDialog + ` .dialog-actions [data-action="` + markup.ActionReconnectNow + `"]`)
	user.wait("connected", connectionIs(markup.LinkConnected))
	user.click(doctorDialog + ` .dialog-actions [data-action="` + markup.ActionExamine + `"]`)
	user.wait("all is well", diagnosisIs(markup.DoctorFine))
}

// TestDoctorOfTheLogin diagnoses a login that does not reach the gateway.
func TestDoctorOfTheLogin(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	network := startRelay(t, g)
	b := newTab(t, browser(t))
	b.open(g.url("/login"))
	network.Cut()
	b.fill("#"+markup.IDTokenInput, "what was pasted")
	b.run("press Enter", enter)
	b.wait("it cannot be reached", stateIs(markup.StateUnreachable))
	b.click(`.login-when[data-when="` + markup.StateUnreachable + `"] [data-action="` +
		markup.ActionExamine + `"]`)
	b.wait("nothing answers", diagnosisIs(markup.DoctorSilent))
	screenshots(b, "silent")
	b.run("close with Escape", chromedp.KeyEvent(kb.Escape))
	b.wait("closed, and the focus back", `!document.querySelector("`+doctorDialog+`").open && document.activeElement.dataset.action === "`+markup.ActionExamine+`"`)
	if kept := evaluate[string](b, `document.querySelector("#`+markup.IDTokenInput+`").value`); kept != "what was pasted" {
		t.Errorf("the token is %q", kept)
	}
}

// TestSignInAtAWrongAddress opens a sign-in link behind a proxy that hides the address. The
// page finds the fault, and the link still works once that is mended.
func TestSignInAtAWrongAddress(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	var mended atomic.Bool
	startReverseProxy(t, g, func(r *httputil.ProxyRequest) {
		if !mended.Load() {
			r.Out.Host = "127.0.0.1:8080"
		}
	}, nil)
	b := newTab(t, browser(t))
	b.open(g.adminLink())
	b.wait("the address is wrong", stateIs(markup.StateWrongAddress))
	b.click(`.login-when[data-when="` + markup.StateWrongAddress + `"] [data-action="` + markup.ActionExamine + `"]`)
	b.wait("the gateway refuses it", diagnosisIs(markup.DoctorOrigin))
	screenshots(b, markup.StateWrongAddress)
	mended.Store(true)
	b.click(doctorDialog + ` .dialog-actions [data-action="` + markup.ActionExamine + `"]`)
	b.wait("signed in", `location.pathname === "/admin"`)
}

// TestDoctorSilent diagnoses a gateway that does not answer.
func TestDoctorSilent(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	network := startRelay(t, g)
	user, _ := pairedTabs(t, g)
	network.Cut()
	user.wait("it fails again and again", connectionIs(markup.LinkFailing))
	user.click(`#` + markup.IDConnection + ` [data-action="` + markup.ActionExamine + `"]`)
	user.wait("nothing answers", diagnosisIs(markup.DoctorSilent))
	user.goOffline()
	user.click(doctorDialog + ` .dialog-actions [data-action="` + markup.ActionExamine + `"]`)
	user.wait("the browser knows why", diagnosisIs(markup.DoctorOffline))
	user.screenshot("offline")
}

// TestDoctorsAgree checks that `gatehouse doctor` prints every configuration line that
// the page shows.
func TestDoctorsAgree(t *testing.T) {
	t.Parallel()
	read := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	joined := regexp.MustCompile("[\"`] ?\\+\\s*[\"`]") // a text that is longer than a line
	// Between pieces there is the end of a line, or the path of the gateway.
	pieces := regexp.MustCompile(`\\n|"\+Path\([^)]*\)\+"`)
	program := joined.ReplaceAllString(read("../internal/doctor/fix.go"), "")
	page := read("../../web/part/doctor.templ")
	lines := 0
	for _, line := range strings.Split(page, "\n") {
		_, mend, is := strings.Cut(line, "@mend(")
		for _, server := range []string{`"nginx", `, `"Caddy", `, `"HAProxy", `} {
			if lead, found := strings.CutPrefix(mend, server); is && found {
				lines++
				for _, want := range pieces.Split(strings.Trim(strings.TrimSuffix(lead, ")"), "`\""), -1) {
					if !strings.Contains(program, want) {
						t.Errorf("gatehouse doctor does not say %s", want)
					}
				}
			}
		}
	}
	if lines < 10 {
		t.Errorf("%d lines were compared", lines)
	}
}
