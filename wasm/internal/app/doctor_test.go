//go:build !js

package app

import (
	"strings"
	"testing"
	"time"
)

func healthy() map[string]func() (int, string) {
	answer := func(status int, body string) func() (int, string) {
		return func() (int, string) { return status, body }
	}
	return map[string]func() (int, string){
		"GET /health": answer(200, `{"status":"ok","protocol":3}`),
		"GET /ws": answer(426,
			`{"error":{"code":"INVALID_REQUEST","message":"an upgrade is wanted"}}`),
		"POST /api/media/upload": answer(401,
			`{"error":{"code":"UNAUTHORIZED","message":"who are you?"}}`),
	}
}

// checks describes the parts of the check and their results.
func (s *harness) checks() string {
	var list []string
	for _, el := range s.browser.Get("doctor-dialog").Elements() {
		if part := el.Attr("data-check"); part != "" {
			list = append(list, strings.TrimSpace(part+" "+el.Attr("data-state")+" "+el.Slot("finding")))
		}
	}
	return strings.Join(list, ", ")
}

func TestDoctorFindsTheCause(t *testing.T) {
	for _, row := range []struct {
		path   string
		status int
		body   string
		state  string
		opens  bool
		checks string
	}{
		{"GET /health", 0, "", "silent", false,
			"network good, health bad no answer, route skipped, origin skipped, socket skipped"},
		{"GET /health", 502, "<html>", "stranger", false,
			"network good, health bad HTTP 502, route skipped, origin skipped, socket skipped"},
		{"GET /health", 200, "<html>", "stranger", false,
			"network good, health bad HTTP 200, route skipped, origin skipped, socket skipped"},
		{"GET /ws", 404, "", "route", true,
			"network good, health good, route bad HTTP 404, origin skipped, socket skipped"},
		{"GET /ws", 503, `{"error":{"code":"UNAVAILABLE","message":"stopping"}}`, "full", false,
			"network good, health good, route bad HTTP 503, origin skipped, socket skipped"},
		{"POST /api/media/upload", 403,
			`{"error":{"code":"FORBIDDEN","message":"origin x is not allowed: mend the proxy"}}`, "origin", true,
			"network good, health good, route good, origin bad, socket skipped"},
		{"GET /ws", 421, `{"error":{"code":"INVALID_REQUEST","message":"not under this host"}}`, "host",
			true, "network good, health good, route good, origin bad HTTP 421, socket skipped"},
		{"POST /api/media/upload", 421,
			`{"error":{"code":"INVALID_REQUEST","message":"not under this host"}}`, "host", true,
			"network good, health good, route good, origin bad HTTP 421, socket skipped"},
		{"POST /api/media/upload", 403, `{"error":{"code":"FORBIDDEN","message":"something else"}}`,
			"upgrade", true,
			"network good, health good, route good, origin good, socket bad"},
	} {
		t.Run(row.state, func(t *testing.T) {
			withPage(t, sessionPage, withHistory, func(s *harness) {
				s.browser.routes = healthy()
				s.browser.routes[row.path] = func() (int, string) { return row.status, row.body }
				s.gateway.cut(1006, "", true)
				s.wait(time.Minute)
				dialog := s.browser.Get("doctor-dialog")
				eq(t, "the pill", s.browser.Get("connection").Attr("data-state"), "failing")
				eq(t, "it opens by itself", dialog.Opened, row.opens)
				eq(t, "the finding", dialog.Attr("data-state"), row.state)
				eq(t, "the checks", s.checks(), row.checks)
				eq(t, "the address", dialog.Slot("address"), "http://chat.example")
				asked := len(s.browser.fetched)
				s.wait(time.Minute)
				for _, request := range s.browser.fetched[asked:] { // before each socket
					eq(t, "a request when nobody asks", request, "GET /health")
				}
				eq(t, "few tries in a minute", len(s.browser.fetched)-asked <= 3, true)
				s.act("examine", dialog)
				s.wait(time.Second)
				eq(t, "it opens for who asks", dialog.Opened, true)
				s.gateway.up()
				s.browser.routes = healthy()
				s.wait(time.Minute)
				s.act("examine", dialog)
				s.wait(time.Second)
				eq(t, "the finding", dialog.Attr("data-state"), "fine")
				eq(t, "the checks", s.checks(),
					"network good, health good, route good, origin good, socket good")
			})
		})
	}
}

func TestDoctorFindsThatTheBrowserIsOffline(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		s.browser.routes = healthy()
		s.browser.routes["GET /health"] = func() (int, string) { return 0, "" }
		s.browser.offline = true
		s.act("examine", s.browser.Get("doctor-dialog"))
		s.wait(time.Second)
		eq(t, "the finding", s.browser.Get("doctor-dialog").Attr("data-state"), "offline")
		eq(t, "the checks", s.checks(),
			"network bad, health skipped, route skipped, origin skipped, socket skipped")
	})
}
