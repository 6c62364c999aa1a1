import Assembly
import Foundation

ProcessMemory.keepFreed()
exit(await Program.run(CommandLine.arguments, ProcessInfo.processInfo.environment).rawValue)
