using System.Text.Json;
using NLog;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Framework.Checkpoints;

/// <summary>What loading found.</summary>
/// <param name="Loaded">The module's names that were filled.</param>
/// <param name="Missing">The module's names that the file lacks.</param>
/// <param name="Unexpected">The file's names that have no place in the module.</param>
/// <param name="WrongShape">The module's names whose tensor in the file has another shape, with both shapes.</param>
/// <param name="Skipped">The module's names left out by rule.</param>
public sealed record LoadReport(
    IReadOnlyList<string> Loaded, IReadOnlyList<string> Missing, IReadOnlyList<string> Unexpected,
    IReadOnlyList<(string Name, string Expected, string Found)> WrongShape, IReadOnlyList<string> Skipped)
{
    /// <summary>Whether every tensor of the module was filled and every tensor of the file found its place.</summary>
    public bool IsComplete => Missing.Count + Unexpected.Count + WrongShape.Count + Skipped.Count == 0;
}

/// <summary>Weights that others published, into a module.</summary>
public static class ForeignWeights
{
    private static readonly Logger Log = LogManager.GetLogger("weights");

    /// <summary>
    /// Loads a PyTorch checkpoint or a safetensors file that carries no class names into a whole model, for
    /// <c>tools/test CONFIG CHECKPOINT</c>: everything must be found. Warns, since the classes' names can't be compared.
    /// </summary>
    /// <exception cref="UserErrorException">The weights don't fit, or the classes' count differs.</exception>
    public static LoadReport LoadWhole(VisionModel model, string path, DataInfo data)
    {
        var report = Load(model, path, new PretrainedOptions(path, OtherClassCount: OtherClassCount.Fail, Strict: true), new InitContext(data));
        if (PublishedClasses(path) is { } classes)
        {
            if (!classes.SequenceEqual(data.Classes)) throw CheckpointErrors.OtherClasses(path, classes, data.Classes);
            return report;
        }
        Log.Warn("{0} carries no class names; the data's {1} are taken, in their order: {2}.",
            Path.GetFileName(path), data.Classes.Count, CheckpointErrors.Some(data.Classes));
        return report;
    }

    private static string[]? PublishedClasses(string path)
    {
        using var file = WeightsFile.Open(path);
        try
        {
            return file.Metadata.TryGetValue(Publisher.ClassesKey, out var json) ? JsonSerializer.Deserialize<string[]>(json) : null;
        }
        catch (JsonException)
        {
            return null; // another project's idea of classes
        }
    }

    /// <summary>Loads what fits, logs what was found, and throws where nothing fits or the options ask for more than there is.</summary>
    /// <param name="module">A backbone, a whole model, or any module whose names the file's are.</param>
    internal static LoadReport Load(nn.Module module, string path, PretrainedOptions options, InitContext context)
    {
        using var file = WeightsFile.Open(path, options.Part);
        if (file.Others.Count > 0) Log.Info("{0} also holds {1}.", Path.GetFileName(path), string.Join(", ", file.Others.Take(10)));
        var target = module.state_dict();
        var found = NameMatch.Find(module, target, file, options, path);
        Log.Info("{0}: {1} tensors ({2}), read as {3}.", path, file.Tensors.Count, file.Format, found.Describe());

        var (loaded, wrong, skipped) = (new List<string>(), new List<(string, string, string)>(), new List<string>());
        var otherClasses = ClassCounts(module, target, file, found, context);
        if (otherClasses is not null && options.OtherClassCount == OtherClassCount.Fail) throw CheckpointErrors.ClassCount(path, otherClasses.Value.Found, otherClasses.Value.Expected);
        using (no_grad())
            foreach (var (own, foreign) in found.Names)
            {
                if (options.Skips(own) || (otherClasses is not null && options.OtherClassCount == OtherClassCount.LeaveOut && found.IsClassifier(own)))
                {
                    skipped.Add(own);
                    continue;
                }
                using var scope = NewDisposeScope();
                var stored = Fit(module, found, own, file.Read(foreign));
                if (!stored.shape.SequenceEqual(target[own].shape))
                {
                    wrong.Add((own, WeightInfo.ShapeText(target[own].shape), WeightInfo.ShapeText(stored.shape)));
                    continue;
                }
                if (options.InputMode == ChannelOrder.Bgr && own == found.StemName) stored = stored.flip(1);
                target[own].copy_(stored);
                loaded.Add(own);
            }

        if (found.Map?.Absent is { } absent)
            foreach (var (name, tensor) in target.Where(pair => !found.Names.ContainsKey(pair.Key) && absent(pair.Key) && !options.Skips(pair.Key)))
            {
                if (!loaded.Contains(name[..(name.LastIndexOf('.') + 1)] + "weight")) continue;
                using (no_grad()) tensor.zero_();
                found.Names.Add(name, name); // as if the file had zeros
                loaded.Add(name);
            }

        var missing = target.Keys.Where(name => !found.Names.ContainsKey(name) && !IsCounter(name) && !module.IsTrainingMemory(name)).ToList();
        var report = new LoadReport(loaded, missing.Where(name => !options.Skips(name)).ToList(), found.Unexpected, wrong, [.. skipped, .. missing.Where(options.Skips)]);
        if (options.InputMode == ChannelOrder.Bgr && (found.StemName is null || !loaded.Contains(found.StemName))) throw CheckpointErrors.NoStem(path);
        foreach (var line in LoadTable.Lines(report)) Log.Info(line);
        if (loaded.Count == 0) throw CheckpointErrors.NothingFits(path, target, file, module.GetName(), found.Known);
        if (options.Strict && !report.IsComplete) throw CheckpointErrors.NotComplete(path, LoadTable.Lines(report));
        return report;
    }

    // Batch norms before PyTorch 0.4.1 counted no batches; training only needs the counter without a momentum.
    private static bool IsCounter(string name) => name.EndsWith(".num_batches_tracked", StringComparison.Ordinal);

    private static Tensor Fit(nn.Module module, NameMatch found, string own, Tensor stored)
    {
        if (found.Map?.Reshape is { } reshape) stored = reshape(own, stored);
        return module switch
        {
            VisionModel model => model.Fit(own, stored),
            Backbone backbone => backbone.Fit(own, stored),
            _ => stored,
        };
    }

    private static (long Found, long Expected)? ClassCounts(nn.Module module, Dictionary<string, Tensor> target, WeightsFile file, NameMatch found, InitContext context)
    {
        if (module is not VisionModel) return null;
        foreach (var (own, foreign) in found.Names)
            if (found.IsClassifier(own) && file.Tensors[foreign].Shape is [var classes, ..])
            {
                var expected = context.Data?.Classes.Count ?? target[own].shape[0];
                if (classes != expected || classes != target[own].shape[0]) return (classes, expected);
            }
        return null;
    }
}
