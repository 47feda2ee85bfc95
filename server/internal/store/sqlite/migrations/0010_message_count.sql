-- +goose Up

-- How many messages a session has, which lists show. Counting them anew for each list
-- would read all of them.
ALTER TABLE sessions ADD COLUMN message_count INTEGER NOT NULL DEFAULT 0;
UPDATE sessions SET message_count = (SELECT count(*) FROM messages WHERE messages.session_id = sessions.id);

-- +goose StatementBegin
CREATE TRIGGER messages_counted AFTER INSERT ON messages BEGIN
    UPDATE sessions SET message_count = message_count + 1 WHERE id = NEW.session_id;
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER messages_counted;
ALTER TABLE sessions DROP COLUMN message_count;
