package page

import (
	"strconv"
	"strings"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/web/part"
)

func consoleViews() []view {
	empty := adminConsole()
	empty.Pending = ""
	watched := chatModel()
	watched.Owner, watched.Title = "user-7f3k2m9q", "A harbour wall in Go"
	return []view{
		{"admin-sessions", AdminSessions(adminSessionsModel())},
		{"admin-sessions-empty", AdminSessions(AdminSessionsModel{Console: empty})},
		{"admin-clients", AdminClients(adminClientsModel())},
		{"admin-clients-empty", AdminClients(AdminClientsModel{Console: empty, Query: "nobody"})},
		{"admin-keys", AdminKeys(adminKeysModel())},
		{"admin-keys-empty", AdminKeys(AdminKeysModel{Console: empty})},
		{"admin-audit", AdminAudit(adminAuditModel())},
		{"admin-audit-empty", AdminAudit(AdminAuditModel{Console: empty, CSV: "/admin/audit.csv"})},
		{"admin-status", AdminStatus(adminStatusModel())},
		{"chat-watched", Chat(watched)},
		{"admin-status-bare", AdminStatus(AdminStatusModel{Console: empty})},
	}
}

func adminConsole() Console {
	return Console{Site: site(), Viewer: admin(), Pending: "2", Topics: []string{protocol.TopicSessions, protocol.TopicAudit}}
}

func adminSessionsModel() AdminSessionsModel {
	m := AdminSessionsModel{Console: adminConsole(), Query: "harbour", User: "anna", First: "/admin/sessions", Next: "/admin/sessions?after=0.x.y"}
	m.Rows = []part.SessionRow{
		{Key: "agent:default:ws:direct:0a7c1f3e-5b1d-4f0e-9c58-2f4f3c1e8d11", Label: "A harbour wall in Go", User: "anna", Agent: "Demo agent", Running: true, Updated: at("now")},
		{Key: "agent:default:ws:direct:8d11", Label: "תכנון טיול לים", User: "user-7f3k2m9q", Agent: "Demo agent", Updated: at("5 minutes ago")},
		{Key: strings.Repeat("long-key.", 28), Label: strings.Repeat("An extraordinarily long name for a chat ", 3), User: strings.Repeat("a-long-user-id-", 8), Agent: "An agent with a long name", Updated: at("3 days ago")},
	}
	for i := range 14 {
		m.Rows = append(m.Rows, part.SessionRow{Key: "agent:default:ws:direct:old" + strconv.Itoa(i), Label: "Letters to the landlord", User: "ben", Agent: "Demo agent", Updated: at("12 days ago")})
	}
	return m
}

func adminClientsModel() AdminClientsModel {
	return AdminClientsModel{Console: adminConsole(), Query: "192.168", Total: "4 connections of 3 users", More: true, Rows: []part.ClientRow{
		{ID: "12", User: "root", Role: markup.RoleAdmin, Via: "Safari on iPhone", Program: "Safari on iPhone", Address: "192.168.1.5", Since: at("2 minutes ago"), Active: at("now"), This: true},
		{ID: "11", User: "anna", Role: markup.RoleOperator, Via: "Anna’s laptop", Program: "Firefox on Windows", Address: "192.168.1.23", Since: at("3 hours ago"), Active: at("5 minutes ago")},
		{ID: "9", User: "reports", Role: markup.RoleViewer, Via: "key gh_3fQx9a", Program: "nightly 1.2", Address: "2001:db8:85a3:8d3:1319:8a2e:370:7348", Since: at("6 days ago")},
		{ID: "7", User: strings.Repeat("a-long-user-id-", 8), Role: markup.RoleViewer, Via: strings.Repeat("The kiosk in the hall ", 4), Program: "Chrome on Android", Address: "10.0.0.1", Since: at("1 day ago"), Active: at("1 day ago")},
	}}
}

func adminKeysModel() AdminKeysModel {
	return AdminKeysModel{Console: adminConsole(), Users: []string{"anna", "reports"}, Rows: []part.KeyRow{
		{ID: "k1", Name: "Nightly report", Prefix: "gh_3fQx9a", User: "reports", Role: markup.RoleViewer, CreatedBy: "root", Created: at("3 days ago"), LastUsed: at("5 minutes ago"), Expires: at("4 Jun 2026, 14:05")},
		{ID: "k2", Name: strings.Repeat("A name that goes on ", 4), Prefix: "gh_Zk2-_x", User: strings.Repeat("a-long-user-id-", 8), Role: markup.RoleOperator, CreatedBy: "root", Created: at("3 days ago")},
		{ID: "k3", Name: "Old script", Prefix: "gh_9sQa1b", User: "anna", Role: markup.RoleAdmin, CreatedBy: "root", Created: at("90 days ago"), LastUsed: at("80 days ago"), Ended: "revoked"},
	}}
}

func adminAuditModel() AdminAuditModel {
	m := AdminAuditModel{Console: adminConsole(), Query: "10.0", User: "root", Action: "chat.inject", Since: "2026-03-01", Until: "2026-03-04",
		Actions: []string{"chat.inject", "config.reload", "device.pair.approve"}, First: "/admin/audit", Next: "/admin/audit?before=17", CSV: "/admin/audit.csv?user=root"}
	m.Rows = []part.AuditRow{
		{ID: "31", At: at("14:05"), User: "root", Via: "Safari on iPhone", Address: "192.168.1.5", Action: "chat.inject", Target: "agent:default:ws:direct:0a7c1f3e-5b1d-4f0e-9c58-2f4f3c1e8d11", Href: "/s/x", Detail: "note in anna’s chat"},
		{ID: "30", At: at("14:01"), User: "root", Via: "token", Address: "2001:db8:85a3:8d3:1319:8a2e:370:7348", Action: "config.reload", Detail: "gateway.rate_limit_rpm: -3 is less than 0; use 0 to switch the limit off, or a number of requests a minute", Failed: true},
		{ID: "29", At: at("13:59"), User: "gateway", Via: "gateway", Address: "127.0.0.1", Action: "gateway.start"},
	}
	for i := range 12 {
		m.Rows = append(m.Rows, part.AuditRow{ID: strconv.Itoa(28 - i), At: at("4 Mar, 13:5" + strconv.Itoa(i%10)), User: "root", Via: "Safari on iPhone", Address: "192.168.1.5", Action: "device.pair.approve", Target: "dev-anna", Detail: "anna as operator"})
	}
	return m
}

func adminStatusModel() AdminStatusModel {
	return AdminStatusModel{Console: adminConsole(), Config: "/etc/gatehouse/config.json5", Groups: []FactGroup{
		{"Gateway", []part.Fact{{Name: "Version", Value: "v0.4.0-12-gf4b55e8"}, {Name: "Protocol", Value: "3"}, {Name: "Started", Time: at("6 days ago")}}},
		{"Store", []part.Fact{{Name: "State", Value: "unavailable", Bad: true}, {Name: "Size", Value: "14.2 MB"}}},
		{"Now", []part.Fact{{Name: "Connections", Value: "12"}, {Name: "Running answers", Value: "1"}}},
		{"Limits", []part.Fact{{Name: "Requests a minute and user", Value: "none"}, {Name: "Connections", Value: "10,000"}, {Name: "Something with a long name", Value: strings.Repeat("a long value ", 9)}}},
	}}
}
