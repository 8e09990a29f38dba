using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Heads;
using Tessera.Models.Layers;
using Tessera.Models.Losses;
using Tessera.Models.Losses.Contrast;
using Tessera.Models.PseudoLabels;
using Tessera.Torch;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.TaskModels;

/// <summary>Images to any of several classes, and to where these are: class maps of an earlier layer teach the last layer which patches
/// belong together, and a decoder learns segmentation from maps made on the way. Learnt from the images' labels alone, in one
/// stage.</summary>
/// <remarks>Ru et al., "Token Contrast for Weakly-Supervised Semantic Segmentation", CVPR 2023, arXiv:2303.01267.</remarks>
[Component("Toco"), ForTask(DataTask.MultiLabel)]
public sealed class Toco : VisionModel, IExplainable, IGivesClassMaps
{
    private const string Cam = "cam";
    private const string AuxCam = "aux_cam";
    private const string Segmented = "segmentation";

    private static readonly double[] s_scales = [1, 0.5, 1.5];
    private static readonly double[] s_pixelStd = [58.395, 57.12, 57.375]; // ImageNet's

    private readonly Backbone backbone;
    private readonly Conv2d classifier;
    private readonly Conv2d aux_classifier;
    private readonly LargeFov? decoder;
    private readonly ContrastProjector? proj_head;
    private readonly ContrastProjector? proj_head_t; // follows the one above, and is not trained
    private readonly Loss loss;

    private readonly TocoOptions _options;
    private readonly TocoLabels _labels;
    private readonly int _classes;

    /// <param name="backbone">Gives a map of an earlier layer, a map of the last one, and for the crops' contrast the class token.</param>
    /// <param name="data">The data's classes.</param>
    /// <param name="loss">Of both classifiers' logits; binary cross entropy by default.</param>
    public Toco(TocoOptions options, Backbone backbone, DataInfo data, Loss? loss = null)
        : base(nameof(Toco))
    {
        if (data.Task != DataTask.MultiLabel)
            throw new UserErrorException($"Toco needs data with several labels an image, not with a truth for {TaskNames.Of(data.Task)}.");
        if (backbone.OutStrides is not [> 0 and var first, > 0 and var second, ..] || first != second)
            throw new UserErrorException(
                $"Toco needs two maps of one size, of an earlier layer and of the last, which {backbone.GetName()} doesn't give here. A "
                    + "VisionTransformer of 12 blocks does with features \"maps\" and out_indices [9, 11]."
            );
        if (options.CtcWeight > 0 && backbone.OutStrides is not [_, _, 0])
            throw new UserErrorException(
                $"Toco contrasts class tokens, which {backbone.GetName()} doesn't give here: set give_class_token: true of a "
                    + "VisionTransformer, or ctc_weight: 0."
            );
        this.backbone = backbone;
        this.loss = loss ?? new BinaryCrossEntropyLoss(new BinaryCrossEntropyLossOptions());
        if (this.loss.WantsEmbeddings)
            throw new UserErrorException($"Toco has no embeddings for {this.loss.GetName()}.");
        (_options, _classes) = (options, data.Classes.Count);
        _labels = new TocoLabels(options.LowThreshold, options.HighThreshold);
        aux_classifier = Conv2d(backbone.OutChannels[0], _classes, 1, bias: false);
        classifier = Conv2d(backbone.OutChannels[1], _classes, 1, bias: false);
        if (options.SegWeight > 0)
            decoder = new LargeFov(backbone.OutChannels[1], _classes);
        if (options.CtcWeight > 0)
        {
            proj_head = new ContrastProjector(backbone.OutChannels[2], options.ProjectorWidth, options.ProjectorDim);
            proj_head_t = new ContrastProjector(backbone.OutChannels[2], options.ProjectorWidth, options.ProjectorDim);
            proj_head_t.Follow(proj_head, momentum: 0);
            foreach (var parameter in proj_head_t.parameters())
                parameter.requires_grad = false;
        }
        RegisterComponents();
    }

    /// <summary>"cam" and "aux_cam": the classifiers applied to each patch, cut off at 0; "segmentation": the decoder's probabilities,
    /// where there is one.</summary>
    public IReadOnlyList<string> MapKinds => decoder is null ? [Cam, AuxCam] : [Cam, AuxCam, Segmented];

    public override IReadOnlyDictionary<string, KeyMap> KeyMaps =>
        backbone
            .KeyMaps.ToDictionary(pair => pair.Key, pair => pair.Value.ForModel(nameof(backbone), null))
            .Append(new("toco", TocoKeys.Map(decoder is not null, proj_head is not null)))
            .ToDictionary();

    public override IReadOnlyCollection<ClassTensor> ClassTensors =>
        [
            new ClassTensor("classifier.weight"),
            new ClassTensor("aux_classifier.weight"),
            .. decoder is null ? [] : (ClassTensor[])[new ClassTensor("decoder.conv8.weight")],
        ];

    public override Tensor Fit(string key, Tensor stored) =>
        key.StartsWith("backbone.", StringComparison.Ordinal) ? backbone.Fit(key["backbone.".Length..], stored) : stored;

    /// <summary>What is predicted, before the sigmoid: the last layer's.</summary>
    /// <param name="images">[B, C, H, W].</param>
    /// <returns>[B, classes].</returns>
    public Tensor Logits(Tensor images)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(Pooled(backbone.call(images)[1], classifier));
    }

    public Tensor[] Outputs(Tensor images) => [Logits(images)];

    /// <returns>"cls" and "cls_aux"; "ptc", "ctc" and, after their start, "seg" and "energy", where their weights are above 0.</returns>
    public override LossMap Loss(Batch batch, Progress progress)
    {
        using var scope = NewDisposeScope();
        var maps = backbone.call(batch.Images);
        var targets = new LossTargets(batch.Labels, batch.SoftLabels);
        var losses = new LossMap
        {
            ["cls"] = loss.Compute(Pooled(maps[1], classifier), targets, progress),
            ["cls_aux"] = loss.Compute(Pooled(maps[0], aux_classifier), targets, progress),
        };
        var present = (batch.SoftLabels ?? throw new UserErrorException("Toco needs class labels, which the data does not give.")).gt(0);
        var segments = decoder is not null && progress.Iteration > _options.SegStart;
        if (_options.PtcWeight > 0 || proj_head is not null || segments)
        {
            var (last, aux) = Scores(batch.Images, present);
            if (_options.PtcWeight > 0)
                losses["ptc"] = PatchTokenContrast.Of(maps[1], PatchLabels(batch, maps[1], aux)) * _options.PtcWeight;
            if (proj_head is not null)
            {
                var views = new TocoViews(new RandomSource((ulong)randint(long.MaxValue, [1], ScalarType.Int64).item<long>()));
                var (crops, positive) = views.Local(batch.Images, _labels.Regions(aux), _options.LocalCrops, _options.LocalCropSize);
                losses["ctc"] = Contrast(maps[2], views.Whole(batch.Images), crops, positive) * _options.CtcWeight;
            }
            if (segments)
                AddPixels(losses, batch, decoder!.call(maps[1]), PixelLabels(batch, last, present));
        }
        foreach (var term in losses.Values)
            scope.MoveToOuter(term);
        return losses;
    }

    private void AddPixels(LossMap losses, Batch batch, Tensor logits, Tensor labels)
    {
        var enlarged = TocoPixelLosses.Enlarged(logits, labels);
        losses["seg"] = TocoPixelLosses.Segmentation(enlarged, labels) * _options.SegWeight;
        if (_options.EnergyWeight == 0)
            return;
        var outside = TocoLabels.Outside(batch, (int)labels.shape[1], (int)labels.shape[2]);
        var energy = TocoPixelLosses.Energy(enlarged, labels, batch.Images, _options.PixelStd ?? s_pixelStd, outside);
        losses["energy"] = energy * _options.EnergyWeight;
    }

    public override IReadOnlyList<Prediction> Predict(Batch batch)
    {
        using var scope = NewDisposeScope();
        var scores = Logits(batch.Images).to(ScalarType.Float32).sigmoid().cpu();
        var rows = scores.Values<float>().Chunk(_classes);
        return [.. rows.Select(row => new ClassPrediction(row, Array.IndexOf(row, row.Max())))];
    }

    public Tensor ClassMaps(Tensor images, string kind)
    {
        if (!MapKinds.Contains(kind))
            throw new UserErrorException(
                $"Toco gives no class maps \"{kind}\".{NearestName.Suggest(kind, MapKinds)} It gives: {string.Join(", ", MapKinds)}."
            );
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var maps = backbone.call(images);
        var map = kind switch
        {
            Cam => classifier.call(maps[1]).relu(),
            AuxCam => aux_classifier.call(maps[0]).relu(),
            _ => decoder!.call(maps[1]).to(ScalarType.Float32).softmax(1).narrow(1, 1, _classes),
        };
        return scope.MoveToOuter(map.to(ScalarType.Float32));
    }

    /// <summary>The decoder's logits of the background and of each class.</summary>
    /// <param name="images">[B, C, H, W].</param>
    /// <returns>[B, 1 + classes, h, w].</returns>
    /// <exception cref="UserErrorException">There is no decoder.</exception>
    public Tensor SegmentationLogits(Tensor images)
    {
        if (decoder is null)
            throw new UserErrorException("Toco has no decoder with seg_weight: 0.");
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(decoder.call(backbone.call(images)[1]));
    }

    /// <summary>Class maps of the last and of the earlier layer over all scales and mirrored, from 0 to 1 for each image and class; 0 for
    /// classes that an image doesn't show. Without gradient.</summary>
    /// <param name="present">[B, classes].</param>
    /// <returns>[B, classes, H, W] each.</returns>
    internal (Tensor Last, Tensor Aux) Scores(Tensor images, Tensor present)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var (height, width) = (images.shape[2], images.shape[3]);
        var sums = new Tensor?[2];
        foreach (var scale in _options.CamScales ?? s_scales)
        {
            using var round = NewDisposeScope();
            long[] size = [Math.Max(1, (long)(scale * height)), Math.Max(1, (long)(scale * width))];
            var sized = Upsampling.To(images, size, alignCorners: false);
            var maps = backbone.call(cat([sized, sized.flip(3)]));
            foreach (var (i, map) in new[] { classifier.call(maps[1]), aux_classifier.call(maps[0]) }.Index())
            {
                var large = Upsampling.To(map.to(ScalarType.Float32), [height, width], alignCorners: false).chunk(2, 0);
                var merged = large[0].maximum(large[1].flip(3)).relu();
                sums[i] = round.MoveToOuter(sums[i] is { } sum ? sum + merged : merged);
            }
        }
        var shown = present.to(ScalarType.Float32).unsqueeze(-1).unsqueeze(-1);
        return (scope.MoveToOuter(Unit(sums[0]!) * shown), scope.MoveToOuter(Unit(sums[1]!) * shown));
    }

    /// <summary>The crops' contrast; the averaged projector takes its step.</summary>
    /// <param name="token">Of the images themselves, the first whole view, [B, C].</param>
    /// <param name="second">The second whole view, [B, 3, H, W].</param>
    /// <param name="crops">[crops · B, 3, h, w], the first crop of each image first.</param>
    /// <param name="positive">[B, 2 + crops].</param>
    internal Tensor Contrast(Tensor token, Tensor second, Tensor crops, Tensor positive)
    {
        using var scope = NewDisposeScope();
        if (training)
            proj_head_t!.Follow(proj_head!, _options.Momentum);
        var whole = cat([token, backbone.call(second)[2]]);
        var teacher = proj_head_t!.call(whole.detach()).unflatten(0, [2, token.shape[0]]);
        var student = proj_head!.call(cat([whole, backbone.call(crops)[2]])).unflatten(0, [-1, token.shape[0]]);
        return scope.MoveToOuter(CropContrast.Of(student, teacher, positive, _options.Temperature));
    }

    internal Tensor PatchLabels(Batch batch, Tensor map, Tensor scores)
    {
        using var scope = NewDisposeScope();
        var outside = TocoLabels.Outside(batch, (int)map.shape[2], (int)map.shape[3]);
        return scope.MoveToOuter(_labels.Of(Upsampling.To(scores, map.shape.AsSpan(2), alignCorners: false), outside));
    }

    internal Tensor PixelLabels(Batch batch, Tensor scores, Tensor present)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var outside = TocoLabels.Outside(batch, (int)scores.shape[2], (int)scores.shape[3]);
        return scope.MoveToOuter(_labels.Refined(batch.Images.to(ScalarType.Float32), scores, present, outside));
    }

    private static Tensor Unit(Tensor maps)
    {
        var above = maps - maps.amin([2, 3], keepdim: true);
        return above / (above.amax([2, 3], keepdim: true) + 1e-5);
    }

    // The greatest value of each channel, then the classifier.
    private static Tensor Pooled(Tensor map, Conv2d classifier) => classifier.call(map.amax([2, 3], keepdim: true)).flatten(1);
}
