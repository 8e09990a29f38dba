using System.CommandLine;
using Tessera.Framework.Running;

namespace Tessera.Tools.Experiments;

/// <summary>Ends a training that another tool has started when that tool ends, in whatever way: its end of the standard input closes
/// then.</summary>
internal static class ParentWatch
{
    /// <summary>For the tools that start trainings; not told by the help.</summary>
    public const string OptionName = "--until-input-ends";

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    public static Option<bool> Option() =>
        new(OptionName) { Description = "Ends the run, with everything saved, when the standard input ends.", Hidden = true };

    /// <summary>Waits for the process that trained here before and is ending still.</summary>
    public static FolderLock Hold(string workDir)
    {
        Directory.CreateDirectory(workDir);
        return FolderLock.Take(workDir, s_patience);
    }

    /// <summary>From now on the run ends with the input.</summary>
    public static void Watch(Trainer trainer)
    {
        var watch = new Thread(() =>
        {
            using var input = Console.OpenStandardInput();
            while (input.ReadByte() >= 0) { }
            trainer.Stop(Trainer.Interrupted);
        })
        {
            IsBackground = true,
            Name = "watches the parent",
        };
        watch.Start();
    }
}
