using System.CommandLine;
using Tessera.Tools.Commands;

namespace Tessera.Tools;

internal static class Program
{
    public static RootCommand CreateRoot() => new("Tessera: a config-driven computer-vision framework.")
    {
        TrainCommand.Create(),
        TestCommand.Create(),
        PredictCommand.Create(),
        DoctorCommand.Create(),
        PrintConfigCommand.Create(),
        ListComponentsCommand.Create(),
        PublishCommand.Create(),
        SchemaCommand.Create(),
    };

    private static int Main(string[] args) => CommandLine.Invoke(CreateRoot(), args);
}
