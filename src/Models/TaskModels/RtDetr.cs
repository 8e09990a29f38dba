using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Detection;
using Tessera.Models.Detection.Transformers;
using Tessera.Models.Layers;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.TaskModels;

/// <summary>Images to boxes with classes by a transformer that looks at a few places of several maps, and begins with the cells that
/// score best.</summary>
/// <remarks>
/// Zhao et al., "DETRs Beat YOLOs on Real-time Object Detection", 2023, arXiv:2304.08069. Names of parameters are those of its code,
/// lyuwenyu/RT-DETR, but for the backbone's. As there, padding counts as image: images are resized to one size.
/// </remarks>
[Component("RtDetr"), ForTask(DataTask.Detection)]
public sealed class RtDetr : VisionModel, IExplainable, IPredictsByTensors
{
    private readonly Backbone backbone;
    private readonly Neck encoder;
    private readonly RtDetrTransformer decoder;

    private readonly RtDetrOptions _options;
    private readonly QueryTestOptions _test;
    private readonly SetMatcher _matcher;
    private readonly SetLossWeights _weights;
    private readonly QualityLoss _classLoss;
    private readonly int _classes;
    private ConvNormFusion? _fused;

    /// <param name="backbone">Images to feature maps.</param>
    /// <param name="neck">Feature maps to those that queries look at.</param>
    /// <param name="data">The data's classes.</param>
    public RtDetr(RtDetrOptions options, Backbone backbone, Neck neck, DataInfo data)
        : base(nameof(RtDetr))
    {
        if (data.Task != DataTask.Detection)
            throw new UserErrorException($"RtDetr needs data with boxes, not with a truth for {TaskNames.Of(data.Task)}.");
        if (neck.OutStrides.Any(stride => stride <= 0))
            throw new UserErrorException($"RtDetr needs feature maps; {neck.GetName()} gives a vector.");
        (_options, _test, _classes) = (options, options.Test ?? new QueryTestOptions(), data.Classes.Count);
        _matcher = new SetMatcher((options.SetCost ?? new SetCosts(Class: 2)).Checked(nameof(RtDetr)));
        _weights = options.LossWeights ?? new SetLossWeights();
        _classLoss = new QualityLoss(options.Alpha, options.Gamma);
        var shape = new TransformerShape(options.EmbedDim, options.NumHeads, options.FfnDim, options.Dropout).Checked(nameof(RtDetr), 1);
        (this.backbone, encoder) = (backbone, neck);
        decoder = new RtDetrTransformer(
            new RtDetrPlan(options.NumQueries, options.DecoderLayers, options.NumPoints, _classes),
            shape,
            neck,
            options.NumDenoising > 0
        );
        RegisterComponents();
    }

    public override IReadOnlyDictionary<string, KeyMap> KeyMaps => RtDetrKeys.Of(backbone);

    public override IReadOnlyCollection<ClassTensor> ClassTensors =>
        [.. decoder.ClassTensors.Select(tensor => tensor with { Name = $"{nameof(decoder)}.{tensor.Name}" })];

    public override Tensor Fit(string key, Tensor stored) =>
        key.StartsWith("backbone.", StringComparison.Ordinal) ? backbone.Fit(key["backbone.".Length..], stored) : stored;

    /// <summary>What the last decoder layer says of images.</summary>
    /// <param name="images">[B, C, H, W].</param>
    /// <returns>Logits [B, Q, classes], each class by itself, and boxes [B, Q, 4]: centre x, centre y, width and height, relative to
    /// the tensor.</returns>
    public Tensor[] Outputs(Tensor images)
    {
        using var scope = NewDisposeScope();
        var pyramid = decoder.Cells(backbone.Maps(encoder, images));
        var answers = decoder.Decode(pyramid, decoder.Select(pyramid), null, all: false);
        Tensor[] outputs = [answers.Logits[0], answers.Boxes[0]];
        scope.MoveToOuter(outputs);
        return outputs;
    }

    public override (int Count, string Option)? MostObjects => (_options.NumQueries, "num_queries");

    public override LossMap Loss(Batch batch, Progress progress)
    {
        var random = new RandomSource((ulong)randint(long.MaxValue, [1], ScalarType.Int64).item<long>());
        return LossesWith(batch, count => DenoisingNoise.Draw(random, count, _classes));
    }

    public override IReadOnlyList<Prediction> Predict(Batch batch)
    {
        using var fused = _test.FuseConvBn && !ConvNormFusion.IsEntered ? (_fused ??= new ConvNormFusion()).Enter() : default(IDisposable);
        using var scope = NewDisposeScope();
        var outputs = Outputs(batch.Images);
        return QueryCandidates.Predictions(Found(outputs), batch, AreasOf(batch), FiniteOutput.OfImages(outputs), _test);
    }

    public IReadOnlyList<(string Name, Tensor Value)> Predicted(Tensor images)
    {
        using var scope = NewDisposeScope();
        var found = QueryCandidates.Tensors(Found(Outputs(images)), images, _test, nameof(RtDetr));
        scope.MoveToOuter(found.Select(pair => pair.Value));
        return found;
    }

    /// <summary>No box is dropped for another's sake.</summary>
    public BoxSuppression? Suppression => new(1, _test.MaxPerImg);

    /// <param name="noise">Of so many denoising queries.</param>
    internal LossMap LossesWith(Batch batch, Func<int, DenoisingNoise> noise)
    {
        var truths = QueryTruths.Of(nameof(RtDetr), batch, AreasOf(batch), _classes, _options.NumQueries);
        using var scope = NewDisposeScope();
        var pyramid = decoder.Cells(backbone.Maps(encoder, Sized(batch.Images)));
        var selected = decoder.Select(pyramid);
        var plan = new DenoisingPlan(_options.NumDenoising, _options.LabelNoiseRatio, _options.BoxNoiseScale);
        var further = DenoisingQueries.Of(truths, plan, _classes, _options.NumQueries, noise, batch.Images.device);
        var answers = decoder.Decode(pyramid, selected, further, all: true);
        var losses = new LossMap();
        var split = further?.Count ?? 0;
        AddMatched(losses, answers, selected, split, truths);
        for (var layer = 0; further is not null && _options.AuxLoss && layer < _options.DecoderLayers; layer++)
            Add(
                losses,
                $"dn{layer}.",
                (answers.Logits[layer].narrow(1, 0, split), answers.Boxes[layer].narrow(1, 0, split)),
                further.Pairs,
                (double)Math.Max(1, truths.Count) * further.Groups
            );
        scope.MoveToOuter(losses.Values);
        return losses;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _fused?.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>Losses of the decoder's own queries, at every layer, and of the cells that they begin as.</summary>
    /// <param name="start">Of these queries among all.</param>
    private void AddMatched(LossMap losses, QueryAnswers answers, SelectedQueries selected, int start, QueryTruths truths)
    {
        var logits = answers.Logits.narrow(2, start, _options.NumQueries);
        var boxes = answers.Boxes.narrow(2, start, _options.NumQueries);
        var last = _options.DecoderLayers - 1;
        var layers = new List<(string Name, Tensor Logits, Tensor Boxes)> { ("", logits[last], boxes[last]) };
        if (_options.AuxLoss)
        {
            for (var layer = last - 1; layer >= 0; layer--)
                layers.Add(($"d{layer}.", logits[layer], boxes[layer]));
            layers.Add(("enc.", selected.Logits, selected.Boxes.sigmoid()));
        }
        var matches = _matcher.Match(
            ClassCosts(stack(layers.Select(layer => layer.Logits.detach().to(ScalarType.Float32)))),
            stack(layers.Select(layer => layer.Boxes.detach().to(ScalarType.Float32))),
            truths
        );
        foreach (var ((name, ofLayer, at), match) in layers.Zip(matches))
            Add(losses, name, (ofLayer, at), QueryPairs.Of(truths, match, _options.NumQueries), Math.Max(1, truths.Count));
    }

    private void Add(LossMap losses, string name, (Tensor Logits, Tensor Boxes) answers, QueryPairs pairs, double count)
    {
        var (l1, giou) = SetBoxLosses.Of(answers.Boxes, pairs, count, _weights);
        losses.Add($"{name}loss_cls", _classLoss.Of(answers.Logits, answers.Boxes, pairs, count) * _weights.Class);
        losses.Add($"{name}loss_bbox", l1);
        losses.Add($"{name}loss_giou", giou);
    }

    /// <summary>By how much the focal loss of a class that is there exceeds that of one that isn't.</summary>
    private static Tensor ClassCosts(Tensor logits)
    {
        const double alpha = 0.25,
            least = 1e-8;
        var p = logits.sigmoid();
        return ((1 - p).square() * (p + least).log() * -alpha) + (p.square() * (1 - p + least).log() * (1 - alpha));
    }

    /// <param name="outputs">As <see cref="Outputs"/> gives them.</param>
    private (Tensor Scores, Tensor Labels, Tensor Boxes) Found(Tensor[] outputs)
    {
        var scores = outputs[0].to(ScalarType.Float32).sigmoid().flatten(1); // [B, Q * classes]
        var (best, at) = scores.topk((int)Math.Min(_test.MaxPerImg, scores.shape[1]), 1);
        var queries = at.div(_classes, RoundingMode.floor);
        return (best, at.remainder(_classes), outputs[1].gather(1, queries.unsqueeze(2).expand(-1, -1, 4)));
    }

    private Tensor Sized(Tensor images)
    {
        if (!training || _options.MultiScale is not { } sizes)
            return images;
        var size = sizes[randint(sizes.Length, [1], ScalarType.Int64).item<long>()];
        return functional.interpolate(images, size: [size, size], mode: InterpolationMode.Nearest);
    }

    /// <summary>Padding counts as image.</summary>
    private static ImageArea[] AreasOf(Batch batch) =>
        [.. batch.Samples.Select(_ => new ImageArea(0, 0, batch.Images.shape[3], batch.Images.shape[2]))];
}
