using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Visualization;
using Tessera.Models.Explanation;
using Tessera.Models.Explanation.Attention;
using Tessera.Models.Explanation.Targets;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Explaining;

/// <summary>
/// Shows where a transformer looks: the attention of each block, all of them together, and foreground and background by one of them.
/// Images come to the model as they do in prediction. Not safe to call from several threads at once.
/// </summary>
/// <example><code>
/// using var reader = AttentionReader.Load("work_dirs/pets/best_accuracy_top1.safetensors");
/// var view = reader.Look("cat.jpg", new AttentionRequest { Synthesis = SynthesisKind.Relevance });
/// Console.WriteLine($"{view.Target}: {view.Blocks.Count} blocks");
/// </code></example>
public sealed class AttentionReader : IDisposable
{
    private static readonly LoadImage s_load = new(new LoadImageOptions());

    private readonly Session _session;
    private readonly IReadOnlyList<Transform> _pipeline;

    private AttentionReader(Session session) => (_session, _pipeline) = (session, PredictionPipeline.Build(session));

    /// <summary>The classes that the model was trained on.</summary>
    public DataInfo Data => _session.TrainedOn!;

    public VisionModel Model => _session.Model;

    /// <summary>Whether the model has attention whose weights can be seen.</summary>
    public bool HasAttention => SeenAttention.IsIn(Model);

    /// <summary>Loads a checkpoint that <c>tools/train</c> wrote.</summary>
    /// <exception cref="UserErrorException">The file is no such checkpoint, is damaged, or needs a plugin that isn't named.</exception>
    public static AttentionReader Load(string checkpoint, AttentionReaderOptions? options = null)
    {
        options ??= new AttentionReaderOptions();
        var session = Session.OfCheckpoint(
            checkpoint,
            new SessionOptions
            {
                Device = options.Device,
                Plugins = options.Plugins,
                Averaged = options.Averaged,
                Note = options.Note,
            }
        );
        return session.HandOver(opened => new AttentionReader(opened));
    }

    /// <summary>Looks at the attention for an image file.</summary>
    /// <exception cref="UserErrorException">The file can't be read as an image, or the network hasn't what is asked for.</exception>
    public AttentionView Look(string path, AttentionRequest request)
    {
        using var loader = _session
            .Services.GetRequiredService<IBatchLoaderFactory>()
            .Create(
                new PredictionInputs([() => PredictionInput.File(0, path)], Data),
                _pipeline,
                null,
                new LoaderOptions(1, Workers: 0),
                seed: 0,
                training: false
            );
        using var batch = loader.Epoch(0).Single();
        var photograph = Photograph.Of(s_load.Apply(PredictionInput.File(0, path), new RandomSource(0)).Image!.Decode());
        _session.Place(batch);
        using var scope = NewDisposeScope();
        Prediction prediction;
        using (no_grad())
            prediction = Model.Predict(batch)[0];
        if (!prediction.OutputIsFinite)
            throw AttentionReadingErrors.NotFinite(path);
        var target = Target(batch, prediction, request);
        using var seen = SeenAttention.Of(Model, batch.Images, target);
        return View(seen, request, photograph, batch, prediction, target);
    }

    public void Dispose() => _session.Dispose();

    private static AttentionView View(
        SeenAttention seen,
        AttentionRequest request,
        Image photograph,
        Batch batch,
        Prediction prediction,
        ScoreTarget? target
    )
    {
        foreach (var index in request.Foreground is { } one ? [.. request.Blocks, one] : request.Blocks)
            if (index < 0 || index >= seen.Blocks.Count)
                throw AttentionReadingErrors.NoBlock(index, seen.Blocks);
        AttentionBlock[] blocks =
            request.Blocks.Count == 0 ? [.. seen.Blocks] : [.. request.Blocks.Distinct().Order().Select(i => seen.Blocks[i])];
        var view = new AttentionView(
            photograph,
            new HeightWidth((int)batch.Images.shape[2], (int)batch.Images.shape[3]),
            batch.Samples[0].Geometry!,
            prediction,
            request.Synthesis == SynthesisKind.Relevance ? target!.NameOf(0) : null,
            request.Synthesis == SynthesisKind.Relevance ? FocusOf(request, target!) : null,
            seen.FromLeading ? "the class token" : "the mean over all places",
            [.. blocks.Select(block => Shown(block, request.Heads, seen.FromLeading))],
            Maps(AttentionSynthesis.Map(blocks, request.Synthesis, seen.FromLeading, request.Heads ?? HeadFusion.Mean).unsqueeze(1))[0],
            blocks.Select(block => (block.Grid.Height, block.Grid.Width)).Distinct().Count() > 1,
            null
        );
        return request.Foreground is { } chosen
            ? view with
            {
                Foreground = Cut(view, Shown(seen.Blocks[chosen], request.Heads ?? HeadFusion.Mean, seen.FromLeading).Maps[0], request),
            }
            : view;
    }

    private static float[]? FocusOf(AttentionRequest request, ScoreTarget target) =>
        target is DetectionTarget { Objects: [var only] } ? only.Corners
        : target is PixelTarget && PhotographRegion.TryParse(request.Target ?? "", out var region)
            ? Array.ConvertAll(region.Corners, corner => (float)corner)
        : null;

    private static BlockView Shown(AttentionBlock block, HeadFusion? heads, bool fromLeading) =>
        new(block.Index, block.Name, block.Grid, block.Heads, Maps(block.Map(heads, fromLeading)));

    private static bool[] Cut(AttentionView view, RelevanceMap map, AttentionRequest request)
    {
        var (height, width) = (view.Photograph.Height, view.Photograph.Width);
        if (request.Threshold.CountsPlaces)
        {
            var cells = map with { Values = [.. request.Threshold.Of(map.Values).Select(inside => inside ? 1f : 0f)] };
            var enlarged = GridMaps.EnlargeCells(cells, view.Input.Height, view.Input.Width).On(view.Geometry, height, width);
            return [.. enlarged.Values.Select(value => value >= 0.5f)]; // NaN isn't
        }
        var values = view.OnPhotograph(map, height, width).Values;
        var shown = request.Threshold.Of([.. values.Where(float.IsFinite)]);
        var (mask, next) = (new bool[values.Length], 0);
        for (var i = 0; i < values.Length; i++)
            mask[i] = float.IsFinite(values[i]) && shown[next++];
        return mask;
    }

    // [1, count, h, w].
    private static RelevanceMap[] Maps(Tensor maps)
    {
        var (height, width) = ((int)maps.shape[2], (int)maps.shape[3]);
        return
        [
            .. maps.to(ScalarType.Float32)
                .cpu()
                .contiguous()
                .Values<float>()
                .Chunk(height * width)
                .Select(one => new RelevanceMap(height, width, one)),
        ];
    }

    // Where a class token is read, attention is seen from there: a classifier's score tells, whatever the synthesis.
    private ScoreTarget? Target(Batch batch, Prediction prediction, AttentionRequest request)
    {
        var values = prediction switch
        {
            ClassPrediction classes => classes.Scores,
            RegressionPrediction numbers => numbers.Values,
            _ => null,
        };
        var reads = request.Synthesis == SynthesisKind.Relevance || request.Target is not null;
        if (values is null && !reads)
            return null;
        var isRegression = Data.Task == DataTask.Regression;
        if (isRegression && request.Target is null && Data.Classes.Count > 1 && reads)
            throw AttentionReadingErrors.WhichValue(Data);
        var word = request.Target ?? (isRegression ? Data.Classes[0] : ScoreTargets.Top1);
        if (Data.Task == DataTask.Segmentation && PhotographRegion.TryParse(word, out var region))
            return ScoreTargets.IndexOf(Data, region.Class) is >= 0 and var label
                ? region.Over(Model, batch, label, Data.Classes)
                : throw AttentionReadingErrors.NoTarget(region.Class, Data);
        var isRank = Data.Task == DataTask.Detection && int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out _);
        if (ScoreTargets.IndexOf(Data, word) < 0 && !isRank && (word != ScoreTargets.Top1 || isRegression))
            throw AttentionReadingErrors.NoTarget(word, Data);
        if (values is not null)
            return new ClassTarget([ScoreTargets.Classes(Data, word, () => values, () => [])[0]], Data.Classes);
        using var evaluation = new InEvaluation(Model, batch.Images.device_type);
        return ScoreTargets.Parse(Model, Data, batch, word)[0];
    }
}
