package httpd

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"rsc.io/qr"

	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// qr is GET /pair/qr.svg: a QR code of the link with which an admin's phone approves the
// pairing of the browser that asks. The pairing code is in the link's fragment.
func (s *server) qr(w http.ResponseWriter, r *http.Request) {
	secret := s.credential(r)
	if secret == "" {
		http.NotFound(w, r)
		return
	}
	status, err := s.Pairings.Status(r.Context(), secret)
	if err != nil || status.Status != protocol.PairingPending {
		http.NotFound(w, r)
		return
	}
	pending, err := s.Pairings.Request(r.Context(), pairing.Requester{
		Secret: secret, Address: s.clientAddress(r), UserAgent: r.UserAgent(),
	})
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	code, err := qr.Encode(s.publicURL(r)+markup.ApprovalPath(pending.Code), qr.M)
	if err != nil {
		s.refuse(w, r, fmt.Errorf("make a QR code: %w", err))
		return
	}
	w.Header().Set("Content-Type", "image/svg+xml")
	_, _ = w.Write([]byte(svg(code)))
}

// publicURL is the URL under which people reach the gateway: the configured one, or else
// that of the page that shows the QR code.
func (s *server) publicURL(r *http.Request) string {
	if u := s.settings(r).PublicURL; u != "" {
		return strings.TrimSuffix(u, "/")
	}
	own := s.ownOrigins(r)
	if u, err := url.Parse(r.Referer()); err == nil {
		if page := origin(u.Scheme, u.Host); slices.Contains(own, page) {
			return page
		}
	}
	return own[0]
}

// quietZone is the margin that scanners need around a code, in modules (ISO/IEC 18004
// §6.3.8).
const quietZone = 4

// svg draws a code in black on white, even on a dark page.
func svg(code *qr.Code) string {
	var b strings.Builder
	size := code.Size + 2*quietZone
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges">`, size, size)
	fmt.Fprintf(&b, `<path fill="#fff" d="M0 0h%dv%dH0z"/><path d="`, size, size)
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			from := x
			for x < code.Size && code.Black(x, y) {
				x++
			}
			if x > from {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", from+quietZone, y+quietZone, x-from, x-from)
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return b.String()
}
