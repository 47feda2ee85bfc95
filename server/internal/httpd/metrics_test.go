package httpd_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// TestMetricsAreForAdmins requests the metrics as each role.
func TestMetricsAreForAdmins(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{})
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	key := func(role protocol.Role) string {
		made, err := h.Keys.Create(t.Context(), "test",
			protocol.KeysCreateParams{Name: "scraper", UserID: "scraper", Role: role}, auth.GenerateKey())
		if err != nil {
			t.Fatal(err)
		}
		return made.Key
	}
	for name, row := range map[string]struct {
		bearer string
		status int
	}{
		"nobody":            {"", http.StatusUnauthorized},
		"a wrong token":     {"wrong", http.StatusUnauthorized},
		"a viewer":          {key(protocol.Viewer), http.StatusForbidden},
		"an operator":       {key(protocol.Operator), http.StatusForbidden},
		"an admin":          {key(protocol.Admin), http.StatusOK},
		"the gateway token": {httpdtest.Token, http.StatusOK},
	} {
		q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		if row.bearer != "" {
			q.Header.Set("Authorization", "Bearer "+row.bearer)
		}
		answer, err := server.Client().Do(q)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if has := strings.Contains(string(text),
			"gatehouse_connections"); answer.StatusCode != row.status ||
			has != (row.status == http.StatusOK) {
			t.Errorf("%s: %s %.200s, want %d", name, answer.Status, text, row.status)
		}
	}
}
