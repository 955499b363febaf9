import ArgumentParser
import Glibc

/// The program. Its verbs stand in a file each.
@main
struct Outrider: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "outrider",
        abstract: "A sidecar and gateway proxy for HTTP that reads Istio's own YAML.",
        discussion: """
            Exit status: 0 good, 1 the answer is no, 2 used wrongly.
            """,
        version: "0.1.0",
        subcommands: [
            RunVerb.self, CheckVerb.self, ExplainVerb.self, RoutesVerb.self, ClustersVerb.self, DemoVerb.self,
            FieldsVerb.self, ServiceVerb.self,
        ])

    /// Parses and runs. A verb's own failures end with 1, wrong use with 2.
    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            let code = exitCode(for: error)
            let message = fullMessage(for: error)
            switch code {
            case .success:
                if !message.isEmpty { Terminal.say(message) }
                Glibc.exit(0)
            case .validationFailure:
                Terminal.warn(message)
                Glibc.exit(2)
            default:
                if !(error is ExitCode) { Terminal.warn(message) }
                Glibc.exit(code.rawValue)
            }
        }
    }
}
