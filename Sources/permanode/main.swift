import Foundation

exit(await Program.run(CommandLine.arguments, ProcessInfo.processInfo.environment).rawValue)
