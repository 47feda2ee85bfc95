package httpd_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// exported gives the rows of the file at path, without the header.
func exported(t *testing.T, url, token string) (*http.Response, [][]string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return answer, nil
	}
	rows, err := csv.NewReader(answer.Body).ReadAll()
	if err != nil || len(rows) == 0 || strings.Join(rows[0],
		" ") != "id at user role via address action target detail outcome" {
		t.Fatalf("%v, %v", rows[:min(len(rows), 1)], err)
	}
	return answer, rows[1:]
}

func TestAuditExport(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{})
	server := httptest.NewServer(h)
	defer server.Close()
	const lines = 1203 // more than are read at once
	var all sync.WaitGroup
	for i := range lines {
		all.Go(func() {
			who := audit.Actor{UserID: `=cmd|' /C calc'!A0`, Via: "device:d", Address: "192.0.2.1"}
			if _, err := h.Audit.Begin(t.Context(), who,
				audit.Act{Action: audit.KeyCreate, Detail: fmt.Sprintf(" +%d, \"x\"", i)}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	answer, rows := exported(t, server.URL+"/admin/audit.csv", httpdtest.Token)
	if kind, how := answer.Header.Get("Content-Type"),
		answer.Header.Get("Content-Disposition"); !strings.HasPrefix(kind, "text/csv") ||
		!strings.HasPrefix(how, `attachment; filename="audit-`) ||
		answer.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the file is %q, %q", kind, how)
	}
	if len(rows) != lines+1 || rows[0][6] != audit.LogExport || rows[0][2] != "admin" {
		t.Fatalf("%d rows, the first is %q", len(rows), rows[0])
	}
	for i, row := range rows[1:] {
		if row[0] != fmt.Sprint(lines-i) || row[2] != `'=cmd|' /C calc'!A0` ||
			!strings.HasPrefix(row[8], "' +") || row[9] != protocol.AuditDone {
			t.Fatalf("row %d is %q", i, row)
		}
	}
	if _, rows := exported(t, server.URL+"/admin/audit.csv?action=audit.export&user=admin",
		httpdtest.Token); len(rows) != 2 || rows[0][8] != "action=audit.export&user=admin" {
		t.Errorf("the entries of exports are %q", rows)
	}
	if _, rows := exported(t, server.URL+"/admin/audit.csv?user=nobody",
		httpdtest.Token); len(rows) != 0 {
		t.Errorf("the export for an unknown user has %q", rows)
	}
	if answer, _ := exported(t, server.URL+"/admin/audit.csv",
		"wrong"); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("a wrong token: HTTP %d", answer.StatusCode)
	}
	cookie, _ := pair(t, h, protocol.Operator, "user", "")
	wantError(t, page("/admin/audit.csv", cookie).do(h), http.StatusForbidden, protocol.Forbidden)
	wantError(t, page("/admin/audit.csv", "").do(h), http.StatusUnauthorized, protocol.Unauthorized)
	if err := h.Store.Close(); err != nil {
		t.Fatal(err)
	}
	if answer, _ := exported(t, server.URL+"/admin/audit.csv",
		httpdtest.Token); answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("while the store fails: HTTP %d", answer.StatusCode)
	}
}

// Sign-ins and sign-outs are audited with their address; wrong tokens are, once the
// minute is over.
func TestSignInsAreAudited(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{})
	for _, body := range []string{`{"token":"wrong"}`, `{"code":"wrong"}`} {
		wantError(t, api(http.MethodPost, "", body).do(h), http.StatusUnauthorized, protocol.Unauthorized)
	}
	signedIn := api(http.MethodPost, "", `{"token":"`+httpdtest.Token+`"}`).do(h)
	api(http.MethodPost, "", `{"code":"`+h.Links.New()+`"}`).do(h)
	cookie, _, _ := strings.Cut(setCookies(signedIn)[0], ";")
	for range 2 { // the second one ends nothing
		if out := api(http.MethodDelete, cookie, "").do(h); out.StatusCode != http.StatusNoContent {
			t.Errorf("signing out: HTTP %d", out.StatusCode)
		}
	}
	h.Sweep(t)
	list, err := h.Audit.List(t.Context(), audit.Filter{Limit: 9})
	if err != nil || len(list) != 4 {
		t.Fatalf("the log has %+v (%v)", list, err)
	}
	guesses, out, link, token := list[0], list[1], list[2], list[3]
	for _, e := range list {
		if e.Address != "192.0.2.1" || strings.Contains(fmt.Sprint(e), httpdtest.Token) {
			t.Errorf("a line is %+v", e)
		}
	}
	if token.Action != audit.SignIn || token.Via != "token" || link.Action != audit.SignIn ||
		link.Via != "link" || token.UserID != "admin" {
		t.Errorf("signed in: %+v, %+v", token, link)
	}
	if out.Action != audit.SignOut || out.UserID != "admin" || out.Target != out.Via ||
		!strings.HasPrefix(out.Via, "device:") {
		t.Errorf("signed out: %+v", out)
	}
	if guesses.Action != audit.WrongTokens || guesses.Detail != "2 wrong tokens" {
		t.Errorf("guessed: %+v", guesses)
	}
}
