import ArgumentParser

/// Not there yet.
struct CheckVerb: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "check", abstract: "Not yet.")
    @OptionGroup var options: ConfigOptions
    @Flag(help: .hidden) var untilStdinCloses = false
    func run() throws { throw ValidationError("not yet") }
}
