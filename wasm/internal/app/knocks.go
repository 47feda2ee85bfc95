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
type knocks struct {
	*shell
	codes map[string]bool
}

func newKnocks(s *shell) knocks { return knocks{s, map[string]bool{}} }

// load counts those that wait.
func (k *knocks) load() {
	var result protocol.DeviceListResult
	k.look(protocol.MethodDeviceList, nil, result.DecodeJSON, func(err *protocol.Error) {
		if err != nil || k.codes == nil {
			return
		}
		clear(k.codes)
		for i := range result.Pending {
			k.codes[result.Pending[i].Code] = true
		}
		k.showWaiting(len(k.codes))
	})
}

// event keeps the count up to date.
func (k *knocks) event(f protocol.Frame) {
	switch f.Event {
	case protocol.EventDeviceRequested:
		var p protocol.DeviceRequested
		if jsontext.Read(f.Payload, p.DecodeJSON) == nil && p.Code != "" {
			if !k.codes[p.Code] {
				k.notifyOf(&p)
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
	k.showWaiting(len(k.codes))
}

// clear ends it: the user may know no longer.
func (k *knocks) clear() {
	k.codes = nil
	k.showWaiting(0)
}

// showWaiting shows an admin how many wait.
func (s *shell) showWaiting(n int) {
	badge, prefix := words.Badge(n), ""
	if n > 0 {
		prefix = "(" + badge + ") "
	}
	view.SetText(s.doc, markup.IDPendingBadge, badge)
	if prefix != s.prefix {
		s.prefix = prefix
		s.win.SetTitle(prefix + s.title)
	}
}

// notifyOf tells an admin who looks elsewhere of somebody who waits.
func (s *shell) notifyOf(p *protocol.PendingDevice) {
	s.win.Notify(nameOfPending(p)+" asks to be let in", markup.ApprovalPath(p.Code))
}

// nameOfPending is what people call a device that waits.
func nameOfPending(p *protocol.PendingDevice) string {
	return words.Device("", p.DeviceName, p.UserAgent)
}

// setTitle names the page in the browser's tab, by the product alone if title is "".
func (s *shell) setTitle(title string) {
	s.title = words.PageTitle(title)
	s.win.SetTitle(s.prefix + s.title)
}
