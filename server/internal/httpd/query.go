package httpd

import (
	"net/http"
	"net/url"
	"strings"
)

// maxFilter bounds each text in a query, in bytes.
const maxFilter = 255

// queryParam gives a parameter of the URL's query, at most maxFilter bytes of it.
func queryParam(r *http.Request, name string) string {
	text := strings.TrimSpace(r.URL.Query().Get(name))
	return strings.ToValidUTF8(text[:min(len(text), maxFilter)], "")
}

// pageURL is the path with a query of those values that are not empty.
func pageURL(path string, namesAndValues ...string) string {
	query := url.Values{}
	for rest := namesAndValues; len(rest) > 1; rest = rest[2:] {
		if name, value := rest[0], rest[1]; value != "" {
			query.Set(name, value)
		}
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}
