package protocol

// Empty is the params or the payload of methods that take or give nothing.
type Empty struct{}

// Agent is what agents.list says of an agent.
type Agent struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Provider    string `json:"provider"`
	Model       string `json:"model,omitempty"`
	Default     bool   `json:"default,omitempty"`
}

// AgentsListResult answers agents.list.
type AgentsListResult struct {
	Agents []Agent `json:"agents"`
}

// HealthResult answers health. Clients is given to admins only.
type HealthResult struct {
	Status   string            `json:"status"`
	Protocol int64             `json:"protocol"`
	UptimeMs int64             `json:"uptimeMs"`
	Server   Server            `json:"server"`
	Clients  []ConnectedClient `json:"clients,omitempty"`
}

// ConnectedClient is one live connection.
type ConnectedClient struct {
	ID          string `json:"id"`
	UserID      string `json:"userId"`
	Role        Role   `json:"role"`
	DeviceID    string `json:"deviceId,omitempty"`
	Address     string `json:"address"`
	UserAgent   string `json:"userAgent,omitempty"`
	Client      string `json:"client,omitempty"` // name and version that it gave at connect
	Via         string `json:"via,omitempty"`    // token, key:PREFIX or device:ID
	ConnectedAt Time   `json:"connectedAt"`
	ActiveAt    Time   `json:"activeAt,omitempty"` // of its last request
}

// StatusResult answers status: the gateway at a glance.
type StatusResult struct {
	Server      Server `json:"server"`
	Protocol    int64  `json:"protocol"`
	UptimeMs    int64  `json:"uptimeMs"`
	Connections int64  `json:"connections"`
	RunningRuns int64  `json:"runningRuns"`
	Agents      int64  `json:"agents"`
	Store       string `json:"store"`
}

// Tick tells a connection that it lives, and how far its sessions are.
type Tick struct {
	Sessions map[string]int64 `json:"sessions,omitempty"`
}

// Shutdown announces that the gateway stops.
type Shutdown struct {
	RetryAfterMs int64 `json:"retryAfterMs,omitempty"`
}
