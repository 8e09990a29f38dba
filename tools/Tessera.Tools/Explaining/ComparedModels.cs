using Tessera.Explaining;
using Tessera.Framework.Errors;
using Tessera.Models.Explanation;
using Tessera.Models.Explanation.Faithfulness;

namespace Tessera.Tools.Explaining;

/// <summary>Models that explain the same images, side by side.</summary>
internal sealed class ComparedModels : IDisposable
{
    private static readonly string[] s_training = ["epoch_", "iter_", "best_", "latest"];
    private readonly List<ModelExplainer> _explainers = [];
    private readonly string[] _names;

    /// <exception cref="UserErrorException">One can't be loaded or explained.</exception>
    public ComparedModels(IReadOnlyList<string> checkpoints, ModelExplainerOptions options)
    {
        _names = Names(checkpoints);
        try
        {
            foreach (var checkpoint in checkpoints)
                _explainers.Add(ModelExplainer.Load(checkpoint, options));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The first model.</summary>
    public ModelExplainer First => _explainers[0];

    /// <summary>Told of each layer that is looked at, once: the model's name, the layers, why.</summary>
    public Action<string, IReadOnlyList<MapLayer>>? LayersChosen { get; init; }

    /// <summary>Told of an image that was left out, and why.</summary>
    public Action<string, string>? LeftOut { get; init; }

    /// <summary>Told of an image of which some, but not all, of what is asked for is found.</summary>
    public Action<string, string>? Partly { get; init; }

    /// <summary>Told of a method that doesn't suit a model, and why; where unset it is an error.</summary>
    public Action<string, ActivationMethod, string>? Unsuitable { get; init; }

    /// <exception cref="UserErrorException">A model hasn't the targets or layers that are asked for.</exception>
    public void Check(ExplanationRequest request)
    {
        foreach (var explainer in _explainers)
            explainer.Check(request);
    }

    /// <summary>From now on the maps are measured.</summary>
    /// <exception cref="UserErrorException">A model is no classifier.</exception>
    public void MeasureFaithfulness()
    {
        foreach (var explainer in _explainers)
            explainer.MeasureFaithfulness();
    }

    /// <summary>How truly the maps of each model show what it decides by; its name is null where it is alone.</summary>
    public IEnumerable<(string? Model, FaithfulnessTable Table)> Faithfulness() =>
        _explainers.Select((explainer, i) => (NameOf(i), explainer.Faithfulness()));

    /// <summary>What all models say: by image, each with a row for each target, in which methods follow one another and models within
    /// each.</summary>
    public IEnumerable<(string Image, IReadOnlyList<IReadOnlyList<ModelsExplanation>> Rows)> Explain(
        IReadOnlyList<ExplainedImage> images,
        ExplanationRequest request
    )
    {
        var told = new HashSet<(string, string)>();
        foreach (var some in images.Chunk(request.BatchSize))
        {
            var found = new List<(string Image, int Row, int Method, int Model, ImageExplanation Explanation)>();
            for (var m = 0; m < _explainers.Count; m++)
                found.AddRange(Of(m, some, request, told));
            foreach (var image in some)
            {
                var rows = found.Where(one => one.Image == image.Name).GroupBy(one => one.Row).OrderBy(row => row.Key);
                var shown = rows.Select(row =>
                        (IReadOnlyList<ModelsExplanation>)
                            [
                                .. row.OrderBy(one => one.Method)
                                    .ThenBy(one => one.Model)
                                    .Select(one => new ModelsExplanation(NameOf(one.Model), one.Explanation)),
                            ]
                    )
                    .ToArray();
                if (shown.Length > 0)
                    yield return (image.Name, shown);
            }
        }
    }

    public void Dispose()
    {
        foreach (var explainer in _explainers)
            explainer.Dispose();
    }

    private IEnumerable<(string, int, int, int, ImageExplanation)> Of(
        int model,
        IReadOnlyList<ExplainedImage> images,
        ExplanationRequest request,
        HashSet<(string, string)> told
    )
    {
        // Labels are indices of the first model's classes.
        var methods = request.Methods.Select(ModelExplainer.NameOf).ToList();
        var own = images.Select(image => image.For(First.Data, _explainers[model].Data)).ToArray();
        var (row, before) = (-1, default((string, string)));
        var unsuitable = Unsuitable is null ? null : (Action<ActivationMethod, string>)Tell;
        foreach (var found in _explainers[model].Explain(own, request, LeftOut, unsuitable, Partly))
        {
            if ((found.Image, found.Target) != before)
                row = found.Image == before.Item1 ? row + 1 : 0;
            before = (found.Image, found.Target);
            var layers = string.Join(", ", found.Layers.Select(layer => layer.Name));
            if (told.Add((_names[model], layers)))
                LayersChosen?.Invoke(_names[model], found.Layers);
            yield return (found.Image, row, methods.IndexOf(found.Method), model, found);
        }

        void Tell(ActivationMethod method, string reason)
        {
            if (told.Add((_names[model], method.Title + reason)))
                Unsuitable!(_names[model], method, reason);
        }
    }

    private string? NameOf(int model) => _names.Length > 1 ? _names[model] : null;

    private static bool IsOfTraining(string name) => Array.Exists(s_training, start => name.StartsWith(start, StringComparison.Ordinal));

    // Files of two runs are often called alike, or after their epoch alone, which says nothing of the network: then with their folders.
    private static string[] Names(IReadOnlyList<string> checkpoints)
    {
        string[] plain = [.. checkpoints.Select(path => Path.GetFileNameWithoutExtension(path) ?? path)];
        var oneFolder = checkpoints.Select(path => Path.GetDirectoryName(Path.GetFullPath(path))).Distinct().Count() == 1;
        if (plain.Distinct().Count() == plain.Length && (oneFolder || !plain.Any(IsOfTraining)))
            return plain;
        string[] longer =
        [
            .. checkpoints.Select(path =>
                $"{Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(path)))}/{Path.GetFileNameWithoutExtension(path)}"
            ),
        ];
        return longer.Distinct().Count() == longer.Length ? longer : [.. longer.Select((name, i) => $"{i + 1}: {name}")];
    }
}
