package webhook

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/docstest"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// TestManualShowsWhatIsSent holds the manual's payloads to those that are sent, name
// by name.
func TestManualShowsWhatIsSent(t *testing.T) {
	t.Parallel()
	blocks := docstest.Blocks(t, "webhook")
	if len(blocks) != 2 {
		t.Fatalf("%d payloads", len(blocks))
	}
	now := protocol.At(clock.Now())
	for _, b := range blocks {
		var shown struct {
			Type      string         `json:"type"`
			Timestamp string         `json:"timestamp"`
			Data      map[string]any `json:"data"`
		}
		d := json.NewDecoder(bytes.NewReader([]byte(b.Text)))
		d.DisallowUnknownFields()
		if err := d.Decode(&shown); err != nil {
			t.Fatalf("%s.md:%d: %v", b.Page, b.Line, err)
		}
		var data any = newPairingRequested(protocol.PendingDevice{UserAgent: "x", CreatedAt: now, ExpiresAt: now})
		if shown.Type == protocol.EventDeviceResolved {
			data = newPairingResolved(protocol.DeviceResolved{Paired: &protocol.PairedDevice{UserID: "ann", Role: protocol.Operator}})
		}
		m, err := newMessage(shown.Type, data)
		if err != nil {
			t.Fatal(err)
		}
		var sent struct{ Data map[string]any }
		if err := json.Unmarshal(m.body, &sent); err != nil {
			t.Fatal(err)
		}
		for name := range shown.Data {
			if _, there := sent.Data[name]; !there {
				t.Errorf("%s.md:%d: %s is not sent", b.Page, b.Line, name)
			}
		}
		for name := range sent.Data {
			if _, there := shown.Data[name]; !there {
				t.Errorf("%s.md:%d: %s is not shown", b.Page, b.Line, name)
			}
		}
	}
}
