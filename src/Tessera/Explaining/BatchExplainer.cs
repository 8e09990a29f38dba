using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Running.Diagnosis;
using Tessera.Models.Explanation;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Explaining;

/// <summary>Explains batches as a request asks for it.</summary>
/// <param name="measured">Gets all maps of classes, to measure them; null where that isn't asked for.</param>
internal sealed class BatchExplainer(
    Session session,
    DataInfo data,
    ExplanationRequest request,
    KnownLayers known,
    MeasuredMaps? measured = null
)
{
    private readonly ExplainedScores _scores = new(session.Model, data, request.Targets);
    private readonly Explainer _explainer = new(session.Model, new ExplainerOptions(request.AugSmooth, request.EigenSmooth));

    /// <summary>By image, then by target, then by method.</summary>
    /// <param name="loaded">Each sample's index is its image's place in the list.</param>
    /// <param name="leftOut">Told which image hasn't what is asked for, and why; where unset, it is an error.</param>
    /// <param name="unsuitable">Told which method can't explain the model, and why; where unset, it is an error.</param>
    /// <param name="partly">Told of an image of which some, but not all, of what is asked for is found.</param>
    public IEnumerable<ImageExplanation> Explain(
        Batch loaded,
        IReadOnlyList<ExplainedImage> images,
        Action<string, string>? leftOut,
        Action<ActivationMethod, string>? unsuitable,
        Action<string, string>? partly = null
    )
    {
        using var batch = loaded;
        using var scope = NewDisposeScope();
        session.Place(batch);
        using var evaluation = new InEvaluation(session.Model, batch.Images.device_type);
        var rows = new List<ExplainedScore>();
        var predictions = Predict(batch);
        for (var i = 0; i < batch.Count; i++)
        {
            var image = images[(int)batch.Samples[i].Index];
            try
            {
                rows.AddRange(_scores.Of(image, batch, i, predictions[i], reason => partly?.Invoke(image.Name, reason)));
            }
            catch (UserErrorException error) when (leftOut is not null)
            {
                leftOut(image.Name, error.Message);
            }
        }
        var found = new ImageExplanation?[rows.Count, request.Methods.Count];
        foreach (var group in Together(rows))
            Explain(batch, images, rows, group, leftOut, unsuitable, found);
        return [.. found.Cast<ImageExplanation?>().OfType<ImageExplanation>()];
    }

    private IReadOnlyList<Prediction> Predict(Batch batch)
    {
        using var still = no_grad();
        return ShapeMistake.Guard(session.Model, batch, () => session.Model.Predict(batch));
    }

    // Classes of several images are explained at once, anything else one by one.
    private IEnumerable<Range> Together(List<ExplainedScore> rows)
    {
        for (var first = 0; first < rows.Count; )
        {
            var end = first + 1;
            while (rows[first].Class is not null && end < rows.Count && rows[end].Class is not null && end - first < request.BatchSize)
                end++;
            yield return first..end;
            first = end;
        }
    }

    private void Explain(
        Batch batch,
        IReadOnlyList<ExplainedImage> images,
        List<ExplainedScore> rows,
        Range group,
        Action<string, string>? leftOut,
        Action<ActivationMethod, string>? unsuitable,
        ImageExplanation?[,] found
    )
    {
        using var scope = NewDisposeScope();
        var (first, count) = group.GetOffsetAndLength(rows.Count);
        var chosen = rows.GetRange(first, count);
        var pixels = batch.Images.index_select(0, tensor(chosen.Select(row => (long)row.Image).ToArray(), device: batch.Images.device));
        var target = chosen[0].Target ?? new ClassTarget([.. chosen.Select(row => row.Class!.Value)], data.Classes);
        IReadOnlyList<MapLayer> layers;
        try
        {
            layers = known.For(request.Layers, pixels, target, keeps: chosen[0].Target is null);
        }
        catch (UserErrorException error) when (leftOut is not null && request.Layers.Count == 0 && ZeroGradientException.Is(error))
        {
            foreach (var row in chosen)
                leftOut(images[(int)batch.Samples[row.Image].Index].Name, $"{row.Name}: {error.Message}");
            return;
        }
        var byMethod = new Dictionary<string, Tensor>();
        for (var m = 0; m < request.Methods.Count; m++)
        {
            var method = request.Methods[m];
            try
            {
                using var inner = NewDisposeScope();
                var maps = Maps(pixels, target, method, layers);
                if (measured is not null)
                    byMethod[ModelExplainer.NameOf(method)] = inner.MoveToOuter(Explainer.Unit(maps.Maps));
                var all = maps.Maps.contiguous().cpu().data<float>().ToArray();
                for (var r = 0; r < count; r++)
                {
                    var sample = batch.Samples[chosen[r].Image];
                    var map = new RelevanceMap(
                        (int)maps.Maps.shape[1],
                        (int)maps.Maps.shape[2],
                        all.Chunk(all.Length / count).ElementAt(r)
                    );
                    found[first + r, m] = Of(images[(int)sample.Index], sample, chosen[r], method, layers, map, maps.Ranges[r]);
                }
            }
            catch (UserErrorException error) when (unsuitable is not null)
            {
                unsuitable(method, error.Message);
            }
        }
        if (target is ClassTarget classes)
            measured?.Add(pixels, classes, byMethod, [.. chosen.Select(row => batch.Samples[row.Image])], layers);
    }

    // Images whose score changes with no place have a map of zeros, alone as beside others in a batch.
    private ActivationMaps Maps(Tensor pixels, ScoreTarget target, ActivationMethod method, IReadOnlyList<MapLayer> layers)
    {
        try
        {
            return _explainer.Explain(pixels, target, method, layers);
        }
        catch (UserErrorException error) when (ZeroGradientException.Is(error))
        {
            var nothing = new MapRange(MapVerdict.Constant, 0, 0);
            return new ActivationMaps(
                zeros([pixels.shape[0], pixels.shape[2], pixels.shape[3]]),
                [.. Enumerable.Repeat(nothing, (int)pixels.shape[0])]
            );
        }
    }

    private static ImageExplanation Of(
        ExplainedImage image,
        Sample sample,
        ExplainedScore score,
        ActivationMethod method,
        IReadOnlyList<MapLayer> layers,
        RelevanceMap map,
        MapRange range
    ) =>
        new()
        {
            Image = image.Name,
            Target = score.Name,
            Headline = score.Headline,
            Score = score.Score,
            Method = ModelExplainer.NameOf(method),
            MethodTitle = method.Title,
            Layers = layers,
            Map = map,
            Range = range,
            Geometry = sample.Geometry ?? Geometry.Original(map.Height, map.Width),
            IsPositive = method.KeepsPositive,
            ReadImage = () => OriginalImage.Read(image),
        };
}
