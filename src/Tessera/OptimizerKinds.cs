using Tessera.Framework.Checkpoints;
using Tessera.Framework.Configuration;
using Tessera.Framework.Errors;
using Tessera.Framework.Running;

namespace Tessera;

/// <summary>Whether a run goes on with optimizers of the kinds it began with: what one kind remembers is of no use to another.</summary>
internal static class OptimizerKinds
{
    private const string Root = "optimizer",
        Groups = "groups",
        Type = "type";

    /// <exception cref="UserErrorException">They are others; the message names each.</exception>
    public static void RequireSame(Checkpoint checkpoint, ConfigDocument config)
    {
        var changed = ConfigChanges.Find(checkpoint.Info.Config, config).Where(change => IsKind(change.Path)).ToArray();
        if (changed.Length > 0)
            throw new UserErrorException(
                $"The checkpoint can't be resumed. It was written with\n    "
                    + string.Join(
                        "\n    ",
                        changed.Select(change => $"{change.Path} {change.Before ?? "unset"}; this run has {change.Now ?? "none"}")
                    )
                    + "\n  Set that back to resume. Or: start a new run in another work dir, from these weights by init: "
                    + "{ \"type\": \"Pretrained\", \"checkpoint\": … }."
            );
    }

    // optimizer.type, or, of several by name, optimizer.NAME.type.
    private static bool IsKind(string path) => path.Split('.') is [Root, Type] or [Root, not Groups, Type];
}
