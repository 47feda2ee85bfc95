package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// knocks are the pairings that wait for an admin, who learns of them on whatever
// page: by a badge, in the title, and by a notification.
type pendingPairings struct {
	*basePage
	codes map[string]bool
}

func newPendingPairings(s *basePage) pendingPairings { return pendingPairings{s, map[string]bool{}} }

// load counts those that wait.
func (k *pendingPairings) load() {
	var result protocol.DeviceListResult
	k.query(protocol.MethodDeviceList, nil, result.DecodeJSON, func(err *protocol.Error) {
		if err != nil || k.codes == nil {
			return
		}
		clear(k.codes)
		for i := range result.Pending {
			k.codes[result.Pending[i].Code] = true
		}
		k.showPendingCount(len(k.codes))
	})
}

// event keeps the count up to date.
func (k *pendingPairings) event(f protocol.Frame) {
	switch f.Event {
	case protocol.EventDeviceRequested:
		var p protocol.DeviceRequested
		if jsontext.Read(f.Payload, p.DecodeJSON) == nil && p.Code != "" {
			if !k.codes[p.Code] {
				k.notifyPending(&p)
			}
			k.codes[p.Code] = true
		}
	case protocol.EventDeviceResolved:
		var r protocol.DeviceResolved
		if jsontext.Read(f.Payload, r.DecodeJSON) == nil {
			delete(k.codes, r.Code)
		}
	default:
		return
	}
	k.showPendingCount(len(k.codes))
}

// clear ends it: the user may know no longer.
func (k *pendingPairings) stop() {
	k.codes = nil
	k.showPendingCount(0)
}

// showWaiting shows an admin how many wait.
func (s *basePage) showPendingCount(n int) {
	badge, prefix := words.Badge(n), ""
	if n > 0 {
		prefix = "(" + badge + ") "
	}
	view.SetText(s.doc, markup.IDPendingBadge, badge)
	if prefix != s.titlePrefix {
		s.titlePrefix = prefix
		s.browser.SetTitle(prefix + s.title)
	}
}

// notifyOf tells an admin who looks elsewhere of somebody who waits.
func (s *basePage) notifyPending(p *protocol.PendingDevice) {
	s.browser.Notify(pendingName(p)+" asks to be let in", markup.ApprovalPath(p.Code))
}

// nameOfPending is what people call a device that waits.
func pendingName(p *protocol.PendingDevice) string {
	return words.Device("", p.DeviceName, p.UserAgent)
}

// setTitle names the page in the browser's tab, by the product alone if title is "".
func (s *basePage) setTitle(title string) {
	s.title = words.PageTitle(title)
	s.browser.SetTitle(s.titlePrefix + s.title)
}
