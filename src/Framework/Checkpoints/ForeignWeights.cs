using Microsoft.Extensions.Logging;
using Tessera.Framework.Data;
using Tessera.Framework.Messages;
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
    IReadOnlyList<string> Loaded,
    IReadOnlyList<string> Missing,
    IReadOnlyList<string> Unexpected,
    IReadOnlyList<(string Name, string Expected, string Found)> WrongShape,
    IReadOnlyList<string> Skipped
)
{
    /// <summary>The file's names that are no weights of the network: what lies beside it, counters, another copy.</summary>
    public IReadOnlyList<string> PassedOver { get; init; } = [];

    /// <summary>Those of <see cref="Loaded"/> that hold just what the file does: not resized, nor adapted to other channels.</summary>
    public IReadOnlyList<string> Exact { get; init; } = [];

    /// <summary>Those of <see cref="Loaded"/> that several tensors of the file were joined into, with their names there.</summary>
    public IReadOnlyList<(string Name, IReadOnlyList<string> Parts)> Joined { get; init; } = [];

    /// <summary>The files that were read.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>Whether every tensor of the module was filled and every weight of the file found its place.</summary>
    public bool IsComplete => Missing.Count + Unexpected.Count + WrongShape.Count + Skipped.Count == 0;
}

/// <summary>Weights that others published, into a module.</summary>
public static class ForeignWeights
{
    private static readonly ILogger s_log = Log.For("weights");

    /// <summary>
    /// Loads a PyTorch checkpoint or a safetensors file into a whole model, for <c>tools/test CONFIG CHECKPOINT</c>:
    /// everything must be found. Rows of the classifier are matched by class name; where the file has no names, their count
    /// is compared, and a warning says so.
    /// </summary>
    /// <param name="options">How names are read; its checkpoint is <paramref name="path"/>. By default everything is found by
    /// itself.</param>
    /// <exception cref="UserErrorException">The weights don't fit, or the classes are others than the data's.</exception>
    public static LoadReport LoadWhole(VisionModel model, string path, DataInfo data, PretrainedOptions? options = null) =>
        Load(
            model,
            path,
            (options ?? new PretrainedOptions(path)) with
            {
                OtherClassCount = OtherClassCount.Fail,
                Strict = true,
            },
            new InitContext(data),
            whole: true
        );

    /// <summary>Loads what fits, logs what was found, and throws where nothing fits or the options ask for more than there is.</summary>
    /// <param name="module">A backbone, a whole model, or any module whose names the file's are.</param>
    /// <param name="whole">The model is to be just what the file holds: other classes and other channels are mistakes.</param>
    internal static LoadReport Load(nn.Module module, string path, PretrainedOptions options, InitContext context, bool whole = false)
    {
        using var file = WeightsFile.Open(path, options.Part, options.Weights);
        if (PublishedInfo.BaseOf(file.Metadata) is { } missing)
            throw CheckpointErrors.AdapterAlone(path, missing);
        if (file.Others.Count > 0)
            s_log.LogInformation(
                "{0} also holds {1}.",
                Path.GetFileName(path),
                string.Join(", ", file.Others.Take(10)) + (file.Others.Count > 10 ? " …" : "")
            );
        var target = module.state_dict();
        var found = NameMatch.Find(module, target, file, options, path);
        s_log.LogInformation("{0}: {1} tensors ({2}), read as {3}.", path, file.Tensors.Count, file.Format, found.Describe());
        foreach (var note in file.Notes.Concat(found.Notes))
            s_log.LogWarning("{0}: {1}", Path.GetFileName(path), note);
        UntoldOptions.Tell(Backbones(module).Select(entry => entry.Backbone), file, found, path);

        var rows = Rows(module, target, file, found, options, context);
        if (whole)
            ClassesOfFile.Require(path, file, rows, context.Data!);
        if ((rows.OtherCount ?? rows.OtherNames) is { } other && options.OtherClassCount == OtherClassCount.Fail)
            throw CheckpointErrors.ClassCount(path, other.Found, other.Expected);

        var report = Fill(module, target, file, found, options, rows, adapt: !whole);
        foreach (var line in LoadTable.Lines(report))
            s_log.LogInformation("{0}", line);
        if (report.Loaded.Count == 0)
            throw CheckpointErrors.NothingFits(path, target, file, module.GetName(), found.Known);
        RequireForm(module, file, report, path);
        if (FiniteState.Broken(target.Where(entry => report.Loaded.Contains(entry.Key))) is { Count: > 0 } broken)
            throw CheckpointErrors.NotFinite(path, broken);
        if (options.Strict && !report.IsComplete)
            throw CheckpointErrors.NotComplete(path, LoadTable.Lines(report), found.Describe(), found.Spare());
        ClassesOfFile.Tell(path, rows, module, file, context);
        return report;
    }

    private static LoadReport Fill(
        nn.Module module,
        Dictionary<string, Tensor> target,
        WeightsFile file,
        NameMatch found,
        PretrainedOptions options,
        ClassRows rows,
        bool adapt
    )
    {
        var stems = Stems(module);
        var (loaded, wrong, skipped, swapped) = (new List<string>(), new List<(string, string, string)>(), new List<string>(), false);
        var computed = new HashSet<string>();
        using var nothing = no_grad();
        foreach (var own in found.Names.Keys)
        {
            if (options.Skips(own) || (!rows.Unchanged && module.IsTrainingMemory(own)))
            {
                skipped.Add(own);
                continue;
            }
            using var scope = NewDisposeScope();
            var read = Reshaped(found, own, found.Joined.Read(own, file));
            var fitted = Fit(module, own, read);
            var stored = fitted;
            if (stems.TryGetValue(own, out var stem) && options.InputMode == ChannelOrder.Bgr)
                (stored, swapped) = Swapped(stem, stored, swapped);
            var before = stored;
            if (stem is not null && adapt)
                stored = Adapted(own, stem, stored, target[own]);
            if (!ReferenceEquals(fitted, read) || !ReferenceEquals(before, stored))
                computed.Add(own);
            if (rows.Take(own, stored, target[own]) is not { } taken)
            {
                skipped.Add(own);
                continue;
            }
            if (!taken.shape.SequenceEqual(target[own].shape))
            {
                wrong.Add((own, WeightInfo.ShapeText(target[own].shape), found.Joined.Describe(own, taken.shape, file)));
                continue;
            }
            target[own].copy_(taken);
            loaded.Add(own);
        }
        if (options.InputMode == ChannelOrder.Bgr && !swapped)
            throw CheckpointErrors.NoStem(file.Path);

        foreach (var name in found.Absent(target.Keys).Where(name => !options.Skips(name)).ToList())
        {
            target[name].zero_();
            found.Names.Add(name, name); // as if the file had zeros
            loaded.Add(name);
        }

        return Report(module, target, file, found, options, loaded, wrong, skipped) with
        {
            Exact = [.. loaded.Where(name => !computed.Contains(name))],
        };
    }

    private static Tensor Adapted(string own, StemTensor stem, Tensor stored, Tensor target)
    {
        if (StemChannels.Adapt(stem, stored, target.shape) is not { } adapted)
            return stored;
        s_log.LogWarning("{0}: {1}.", own, adapted.Done);
        return adapted.Tensor;
    }

    private static LoadReport Report(
        nn.Module module,
        Dictionary<string, Tensor> target,
        WeightsFile file,
        NameMatch found,
        PretrainedOptions options,
        List<string> loaded,
        List<(string Name, string Expected, string Found)> wrong,
        List<string> skipped
    )
    {
        var missing = target
            .Keys.Where(name => !found.Names.ContainsKey(name) && !IsCounter(name) && !module.IsTrainingMemory(name))
            .ToList();
        return new LoadReport(
            loaded,
            missing.Where(name => !options.Skips(name)).ToList(),
            found.Unexpected,
            wrong,
            [.. skipped, .. missing.Where(options.Skips)]
        )
        {
            PassedOver = found.PassedOver,
            Joined = [.. loaded.Select(name => (name, found.Joined.Of(name)!)).Where(entry => entry.Item2 is not null)],
            Files = file.Files,
        };
    }

    /// <exception cref="UserErrorException">A backbone knows by which options it would have the form of the weights.</exception>
    private static void RequireForm(nn.Module module, WeightsFile file, LoadReport report, string path)
    {
        var unexpected = report.Unexpected.ToDictionary(name => name, name => file.Tensors[name].Shape);
        foreach (var (prefix, backbone) in Backbones(module))
        {
            var missing = report
                .Missing.Where(name => name.StartsWith(prefix, StringComparison.Ordinal))
                .Select(name => name[prefix.Length..]);
            if (backbone.OptionsFor([.. missing], unexpected) is { } options)
                throw CheckpointErrors.OtherForm(path, options);
        }
    }

    private static List<(string Prefix, Backbone Backbone)> Backbones(nn.Module module) =>
        module is Backbone backbone ? [("", backbone)] : [.. module.Having<Backbone>().Select(found => (found.Name + ".", found.Module))];

    // Batch norms before PyTorch 0.4.1 counted no batches; training only needs the counter without a momentum.
    private static bool IsCounter(string name) => name.EndsWith(".num_batches_tracked", StringComparison.Ordinal);

    private static Tensor Reshaped(NameMatch found, string own, Tensor stored) =>
        found.Map?.Reshape is { } reshape ? reshape(own, stored) : stored;

    private static Tensor Fit(nn.Module module, string own, Tensor stored) =>
        module switch
        {
            VisionModel model => model.Fit(own, stored),
            Backbone backbone => backbone.Fit(own, stored),
            _ => stored,
        };

    /// <summary>The tensors that read the image, by their names in the module.</summary>
    private static Dictionary<string, StemTensor> Stems(nn.Module module)
    {
        return Backbones(module)
            .SelectMany(entry => entry.Backbone.StemTensors.Select(stem => (Name: entry.Prefix + stem.Name, stem)))
            .DistinctBy(entry => entry.Name)
            .ToDictionary(entry => entry.Name, entry => entry.stem);
    }

    private static (Tensor Stored, bool Swapped) Swapped(StemTensor stem, Tensor stored, bool before)
    {
        var dimension = stem.Role == StemRole.Weight ? 1 : 0;
        if (stored.dim() <= dimension || stored.shape[dimension] != 3 * stem.Outer * stem.Inner)
            return (stored, before);
        return (
            stored.unflatten(dimension, [stem.Outer, 3, stem.Inner]).flip(dimension + 1).flatten(dimension, dimension + 2),
            before || stem.Role == StemRole.Weight
        );
    }

    private static ClassRows Rows(
        nn.Module module,
        Dictionary<string, Tensor> target,
        WeightsFile file,
        NameMatch found,
        PretrainedOptions options,
        InitContext context
    )
    {
        var rows = new ClassRows(options.MatchClasses == ClassMatch.ByName ? file.Classes : null, context.Data?.Classes);
        if (module is not VisionModel model)
            return rows;
        var data = context.Data?.Classes.Count;
        using var nothing = no_grad();
        foreach (var tensor in model.ClassTensors)
        {
            if (!found.Names.ContainsKey(tensor.Name) || options.Skips(tensor.Name))
                continue;
            using var scope = NewDisposeScope();
            var shape = Fit(module, tensor.Name, Reshaped(found, tensor.Name, found.Joined.Read(tensor.Name, file))).shape;
            if (found.Joined.ShapeOf(tensor.Name, file) is [var all, ..] && shape is [var taken, ..] && taken < all && data is { } count)
                rows.Unused = (all * count / taken, count);
            var beside =
                tensor.Beside is { } name && found.Names.TryGetValue(name, out var other) && file.Tensors[other].Shape is [var stored, ..]
                    ? (target[name].shape[0], stored)
                    : ((long, long)?)null;
            rows.Add(tensor, target[tensor.Name], shape, beside);
        }
        return rows;
    }
}
