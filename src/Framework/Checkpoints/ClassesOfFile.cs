using Microsoft.Extensions.Logging;
using Tessera.Framework.Data;
using Tessera.Framework.Messages;
using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Framework.Checkpoints;

/// <summary>Whether a file's weights are of the data's classes, and what the log says of it.</summary>
internal static class ClassesOfFile
{
    private static readonly ILogger s_log = Log.For(Log.Run);

    /// <exception cref="UserErrorException">The file's task or classes are others than the data's.</exception>
    public static void Require(string path, WeightsFile file, ClassRows rows, DataInfo data)
    {
        if (file.Task is { } task && task != data.Task)
            throw CheckpointErrors.OtherTask(path, task, data.Task);
        if (rows.Named && !rows.SameNames)
            throw CheckpointErrors.OtherClasses(path, file.Classes!, data.Classes);
    }

    private static string Unused(ClassRows rows) =>
        rows.Unused is var (stored, taken)
            ? $", but rows for {stored} numbers, as COCO's ids go to 90: those of its {taken} classes are taken, in the order of the ids"
            : "";

    /// <summary>Tells which classes' rows were taken, and how.</summary>
    public static void Tell(string path, ClassRows rows, nn.Module module, WeightsFile file, InitContext context)
    {
        var name = Path.GetFileName(path);
        if (rows.Describe() is { } told)
            s_log.Log(told.Lacking ? LogLevel.Warning : LogLevel.Information, "{0}: {1}", name, told.Text);
        if (rows.OtherCount is { } other)
            s_log.LogWarning(
                "{0}: the file's classifier has {1} classes, the data {2}, and {3}: it keeps its first weights.",
                name,
                other.Found,
                other.Expected,
                file.Classes is null ? "the file names none" : "its names are not compared"
            );
        if (rows.Unnamed && context.Data is { } data)
            s_log.LogWarning(
                "{0} {1}; the data's {2} are taken, in their order: {3}.",
                name,
                (file.Classes is null ? "carries no class names" : "is taken by the order of its classes") + Unused(rows),
                data.Classes.Count,
                WeightsFileErrors.Some(data.Classes)
            );
        if (
            module is VisionModel { ClassTensors.Count: 0 }
            && context.Data is { Classes: var here }
            && file.Classes is { } there
            && !there.SequenceEqual(here)
        )
            s_log.LogWarning(
                "{0}: its classes ({1}) are others than the data's ({2}), or in another order, and {3} "
                    + "doesn't say which tensors have rows for them: nothing was matched by name.",
                name,
                WeightsFileErrors.Some(there),
                WeightsFileErrors.Some(here),
                module.GetName()
            );
    }
}
