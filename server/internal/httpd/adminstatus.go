package httpd

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
	"github.com/gatehouse-chat/gatehouse/web/page"
	"github.com/gatehouse-chat/gatehouse/web/part"
)

// adminStatus is GET /admin/status: the gateway's state and settings.
func (s *server) adminStatus(w http.ResponseWriter, r *http.Request, device *pairing.Device) error {
	console, _, err := s.console(r, device, protocol.TopicConfig, protocol.TopicClients,
		protocol.TopicSessions)
	if err != nil {
		return err
	}
	status := s.Gateway.Status(r.Context())
	s.render(w, r, http.StatusOK, page.AdminStatus(page.AdminStatusModel{
		Console: console, Groups: factGroups(status), Config: status.Detail.ConfigFile,
	}))
	return nil
}

func factGroups(s *protocol.StatusResult) []page.FactGroup {
	d, data := s.Detail, s.Detail.Data
	gateway := []part.Fact{
		{Name: "Version", Value: s.Server.Version},
		{Name: "Protocol", Value: words.Number(s.Protocol)},
		{Name: "Started", Time: ago(d.StartedAt)},
		{Name: "Platform", Value: d.Platform},
		{Name: "TLS", Value: d.TLS},
		{Name: "Memory", Value: words.Size(d.MemoryBytes)},
	}
	now := []part.Fact{
		{Name: "Connections", Value: words.Number(s.Connections)},
		{Name: "Not signed in", Value: words.Number(d.Strangers)},
		{Name: "Answers in progress", Value: words.Number(data.RunningRuns)},
		{Name: "Queued answers", Value: words.Number(data.QueuedRuns)},
		{Name: "Agents", Value: words.Number(s.AgentTotal)},
	}
	store := []part.Fact{
		{Name: "State", Value: s.Store, Bad: s.Store != "ok"},
		{Name: "Kind", Value: data.Kind},
		{Name: "Database size", Value: words.Size(data.Bytes)},
		{Name: "Write-ahead log", Value: words.Size(data.LogBytes)},
		{Name: "Schema version", Value: words.Number(data.Version)},
		{Name: "Sessions", Value: words.Number(data.Sessions)},
		{Name: "Devices", Value: words.Number(data.Devices)},
		{Name: "Audit log entries", Value: words.Number(data.AuditLines)},
	}
	config := []part.Fact{}
	if d.ReloadedAt != 0 {
		config = append(config, part.Fact{Name: "Reloaded", Time: ago(d.ReloadedAt)})
	}
	if len(d.NeedsRestart) > 0 {
		config = append(config, part.Fact{Name: "Needs a restart",
			Value: strings.Join(d.NeedsRestart, ", "), Bad: true})
	}
	for _, setting := range d.Settings {
		config = append(config, part.Fact{Name: setting.Key, Value: plainSetting(setting.Value)})
	}
	return []page.FactGroup{{Title: "Gateway", Facts: gateway}, {Title: "Now", Facts: now},
		{Title: "Store", Facts: store}, {Title: "Active settings", Facts: config}}
}

// plainSetting is a setting's value without the quotes and brackets of JSON.
func plainSetting(value string) string {
	if value == "[]" {
		return "none"
	}
	if text, err := strconv.Unquote(value); err == nil {
		return text
	}
	return value
}
