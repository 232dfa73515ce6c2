// SPDX-License-Identifier: Apache-2.0

internal import EsscherCLI
internal import Glibc

exit(CommandLineTool.run(arguments: Array(CommandLine.arguments.dropFirst())))
