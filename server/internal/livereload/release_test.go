//go:build !dev

package livereload_test

import (
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-chat/gatehouse/server/internal/livereload"
)

func TestReleaseDoesNotReload(t *testing.T) {
	t.Parallel()
	r := chi.NewRouter()
	livereload.Mount(r)
	if routes := r.Routes(); len(routes) > 0 || livereload.Script() != "" {
		t.Errorf("a release has the routes %v and the script %q", routes, livereload.Script())
	}
}
