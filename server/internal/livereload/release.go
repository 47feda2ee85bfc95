//go:build !dev

package livereload

import "github.com/go-chi/chi/v5"

// Mount does nothing in a release.
func Mount(chi.Router) {}

// Script is empty in a release.
func Script() string { return "" }
