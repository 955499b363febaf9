import Control
import Istio

/// `/generation`: which configuration serves, which workers have it, and what does not serve as it is written.
enum GenerationPage {
    /// Findings beyond this number are counted, not listed: `outrider check` lists all.
    private static let findingsMax = 1000

    static func json(_ report: GenerationReport) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.field("generation", report.number)
            json.field("applied_at", timestamp(report.appliedMilliseconds))
            json.field("applied_at_ms", report.appliedMilliseconds)
            json.field("build_ms", report.buildMilliseconds)
            json.field("cause", report.cause)
            json.field("changes", report.changes)
            json.field("workers", report.workers)
            json.field("acknowledged", report.acknowledged)
            json.field("applied", report.isAcknowledged)
            json.field("looks", report.looks)
            json.field("resources", report.resources)
            if let failure = report.failure { json.field("failure", failure) }
            list("awaits_restart", report.awaitsRestart, to: &json)
            list("listener_problems", report.listenerProblems, to: &json)
            for fate in [ResourceStatus.Fate.stale, .leftOut, .duplicate] {
                json.key(fate == .leftOut ? "left_out" : fate.rawValue)
                json.array { json in
                    for status in report.troubled where status.fate == fate { write(status, to: &json) }
                }
            }
            for state in [ContextStatus.State.stale, .quarantined] {
                json.key("tls_\(state.rawValue)")
                json.array { json in
                    for status in report.certificates.statuses where status.state == state { write(status, to: &json) }
                }
            }
            json.field("findings", report.diagnostics.count)
            list("diagnostics", report.diagnostics.prefix(findingsMax).map(\.description), to: &json)
        }
        return json.take() + [0x0A]
    }

    private static func write(_ status: ResourceStatus, to json: inout JSONWriter) {
        json.object { json in
            json.field("kind", status.id.kind)
            json.field("namespace", status.id.namespace)
            json.field("name", status.id.name)
            json.field("at", status.location.description)
            json.field("message", status.message)
        }
    }

    private static func write(_ status: ContextStatus, to json: inout JSONWriter) {
        json.object { json in
            json.field("side", status.side.rawValue)
            json.field("owner", status.owner)
            json.field("at", status.origin)
            json.field("message", status.trouble ?? "")
        }
    }

    private static func list(_ name: String, _ values: [String], to json: inout JSONWriter) {
        json.key(name)
        json.array { json in for value in values { json.value(value) } }
    }

    /// RFC 3339 in UTC with milliseconds; empty for 0. Days to date after the proleptic Gregorian calendar, counted from
    /// 1 March so that a leap day ends its year.
    static func timestamp(_ milliseconds: UInt64) -> String {
        if milliseconds == 0 { return "" }
        let seconds = milliseconds / 1000
        let days = Int(seconds / 86_400) + 719_468
        let era = days / 146_097
        let dayOfEra = days - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let day = dayOfYear - (153 * shifted + 2) / 5 + 1
        let clock = [seconds % 86_400 / 3600, seconds % 3600 / 60, seconds % 60].map { pad(Int($0), 2) }
        return
            "\(pad(year, 4))-\(pad(month, 2))-\(pad(day, 2))T\(clock.joined(separator: ":")).\(pad(Int(milliseconds % 1000), 3))Z"
    }

    private static func pad(_ number: Int, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(width - text.count, 0)) + text
    }
}
