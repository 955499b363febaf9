import ArgumentParser

/// Not there yet.
struct ExplainVerb: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "explain", abstract: "Not yet.")
    @OptionGroup var options: ConfigOptions
    @Flag(help: .hidden) var untilStdinCloses = false
    func run() throws { throw ValidationError("not yet") }
}
