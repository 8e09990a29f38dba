using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Backbones;
using Tessera.Models.Layers;
using Tessera.Models.TaskModels.Segmentation;
using Tessera.Torch;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.TaskModels;

/// <summary>Images to masks with classes by a plain vision transformer: queries go through its last blocks with the patches, and each finds
/// a mask or none. What becomes of the masks follows from the data: a panoptic map, instances, or the class of every pixel.</summary>
/// <remarks>
/// Kerssies et al., "Your ViT is Secretly an Image Segmentation Model" (EoMT), CVPR 2025, arXiv:2503.19108. Names of parameters are those
/// of its code, tue-mps/eomt, but for the backbone's place. Departs from it in evaluation while masks of the attention are partly given
/// up: the first queries keep theirs, instead of some by chance.
/// </remarks>
[Component("Eomt"), ForTask(DataTask.Panoptic, DataTask.Detection, DataTask.Segmentation)]
public sealed class Eomt : VisionModel, IExplainable, IPredictsByTensors, IGivesProbabilities
{
    private const long Largest = 1L << 30; // values of one kind: 4 GB of float32

    private readonly Backbone backbone;
    private readonly Embedding q;
    private readonly Linear class_head; // the last output: no object
    private readonly Sequential mask_head;
    private readonly ModuleList<ScaleBlock> upscale = new();

    private readonly EomtOptions _options;
    private readonly EomtTestOptions _test;
    private readonly DataInfo _data;
    private readonly MaskAnnealing? _annealing;
    private readonly SegmentationPredictor _predictor;
    private MaskLosses _losses;

    /// <param name="backbone">Gives its tokens block by block: a VisionTransformer.</param>
    /// <param name="data">The data's task and classes.</param>
    public Eomt(EomtOptions options, Backbone backbone, DataInfo data)
        : base(nameof(Eomt))
    {
        if (data.Task is not (DataTask.Panoptic or DataTask.Detection or DataTask.Segmentation))
            throw new UserErrorException(
                $"Eomt needs data with panoptic maps, masks or segmentation maps, not with a truth for {TaskNames.Of(data.Task)}."
            );
        if (data is { Task: DataTask.Panoptic, Things: null })
            throw new UserErrorException("Eomt: the data doesn't say which of its classes are things.");
        if (backbone is not ITokenBackbone tokens)
            throw new UserErrorException(
                $"Eomt sends queries through the blocks of a plain transformer, which {backbone.GetName()} doesn't let it "
                    + "(ITokenBackbone). Take a VisionTransformer."
            );
        if (options.NumBlocks > tokens.BlockCount)
            throw new UserErrorException(
                $"Eomt: num_blocks is {options.NumBlocks}, but {backbone.GetName()} has {tokens.BlockCount} blocks."
            );
        (_options, _test, _data) = (options, options.Test ?? new EomtTestOptions(), data);
        _annealing = options.MaskAnnealing is { } annealing ? new MaskAnnealing(nameof(Eomt), annealing, options.NumBlocks) : null;
        if (_annealing is not null && !options.MaskedAttention)
            throw new UserErrorException("Eomt: mask_annealing gives up masks, which masked_attention: false doesn't have.");
        _losses = new MaskLosses((options.Loss ?? new MaskLossOptions()).Checked(nameof(Eomt)), data.Classes.Count);
        _predictor = new SegmentationPredictor(
            _test.Semantic ?? new SegmentationTestOptions(),
            Scores,
            new ClassMapForm(data.Classes.Count, AreScores: true)
        );
        this.backbone = backbone;
        var width = tokens.TokenWidth;
        q = Embedding(options.NumQueries, width);
        class_head = Linear(width, data.Classes.Count + 1);
        mask_head = Sequential(Linear(width, width), GELU(), Linear(width, width), GELU(), Linear(width, width));
        for (var i = 0; i < Math.Max(1, (int)Math.Log2(tokens.PatchSize) - 2); i++)
            upscale.Add(new ScaleBlock(width));
        register_buffer("attn_mask_probs", ones(options.NumBlocks));
        RegisterComponents();
    }

    private ITokenBackbone Tokens => (ITokenBackbone)backbone; // a field would be registered as a second child

    public override (int Count, string Option)? MostObjects => (_options.NumQueries, "num_queries");
    public override IReadOnlyDictionary<string, KeyMap> KeyMaps => EomtKeys.Of(backbone);

    public override IReadOnlyCollection<ClassTensor> ClassTensors =>
        [new($"{nameof(class_head)}.weight") { Others = 1 }, new($"{nameof(class_head)}.bias") { Others = 1 }];

    public override Tensor Fit(string key, Tensor stored) =>
        key.StartsWith("backbone.", StringComparison.Ordinal) ? backbone.Fit(key["backbone.".Length..], stored) : stored;

    /// <summary>Draws numbers in [0, 1) of a shape, for points of masks; by default as the run's seed says.</summary>
    internal Func<long[], Tensor> Uniform
    {
        set => _losses = new MaskLosses((_options.Loss ?? new MaskLossOptions()).Checked(nameof(Eomt)), _data.Classes.Count, value);
    }

    /// <summary>What the queries say of images.</summary>
    /// <param name="images">[B, C, H, W], of whole patches.</param>
    /// <param name="all">Also before each of the blocks that they go through, and not at the end alone.</param>
    /// <returns>For each place, in order: logits of masks [B, Q, h, w] and of classes [B, Q, classes + 1], the last of no object. h and w
    /// are a quarter of H and W, or for patches of 4 and below half of a patch.</returns>
    /// <exception cref="UserErrorException">The images are not of whole patches, or the answers would not fit into memory.</exception>
    public IReadOnlyList<(Tensor Masks, Tensor Classes)> Answers(Tensor images, bool all = false)
    {
        using var scope = NewDisposeScope();
        Require(images, all ? _options.NumBlocks + 1 : 1);
        var answers = new List<(Tensor Masks, Tensor Classes)>();
        var (x, grid) = Tokens.Embed(images);
        var first = Tokens.BlockCount - _options.NumBlocks;
        var shares = _options.MaskedAttention ? Shares : new float[_options.NumBlocks];
        for (var i = 0; i < Tokens.BlockCount; i++)
        {
            if (i == first)
            {
                x = cat([q.weight!.unsqueeze(0).expand(x.shape[0], -1, -1).to(x.dtype), x], 1); // [B, Q + N, C]
                grid = grid with { Leading = _options.NumQueries + grid.Leading };
            }
            Tensor? mask = null;
            if (i >= first && (shares[i - first] > 0 || (all && _options.MaskedAttention)))
            {
                var answer = Answer(x, grid);
                if (all)
                    answers.Add(answer);
                if (shares[i - first] > 0)
                    mask = MaskVisibility.Of(answer.Masks, grid, shares[i - first], byChance: training);
            }
            x = Tokens.Attend(i, x, grid, mask);
        }
        answers.Add(Answer(x, grid));
        scope.MoveToOuter(answers.SelectMany(answer => (Tensor[])[answer.Masks, answer.Classes]));
        return answers;
    }

    /// <summary>For segmentation maps, how much of every pixel each class claims, [B, classes, H, W]; otherwise logits of classes
    /// [B, Q, classes + 1] and of masks [B, Q, h, w].</summary>
    public Tensor[] Outputs(Tensor images)
    {
        if (_data.Task == DataTask.Segmentation)
            return [Scores(images)];
        var (masks, classes) = Answers(images)[0];
        return [classes, masks];
    }

    public override LossMap Loss(Batch batch, Progress progress)
    {
        using var scope = NewDisposeScope();
        if (_annealing is not null && training)
            Anneal(_annealing.At(progress));
        var truths = MaskTruths.Of(nameof(Eomt), batch, _data, _options.NumQueries);
        var answers = Answers(batch.Images, all: true);
        var losses = new LossMap();
        foreach (var (i, (masks, classes)) in answers.Index().Reverse())
        {
            var prefix = i == answers.Count - 1 ? "" : $"b{i}.";
            var (ofClass, ofMask, ofDice) = LossesOf(masks, classes, truths);
            losses.Add($"{prefix}loss_cls", ofClass);
            losses.Add($"{prefix}loss_mask", ofMask);
            losses.Add($"{prefix}loss_dice", ofDice);
        }
        scope.MoveToOuter(losses.Values);
        return losses;
    }

    public override IReadOnlyList<Prediction> Predict(Batch batch)
    {
        if (_data.Task == DataTask.Segmentation)
            return _predictor.Predict(batch);
        using var scope = NewDisposeScope();
        var (masks, classes) = Answers(batch.Images)[0];
        (masks, classes) = (masks.to(ScalarType.Float32), classes.to(ScalarType.Float32));
        var (finite, size) = (FiniteOutput.OfImages([masks, classes]), ((int)batch.Images.shape[2], (int)batch.Images.shape[3]));
        return
        [
            .. batch.Samples.Select(
                (sample, i) =>
                {
                    var found = new QueryMasks(
                        finite[i] ? classes[i] : zeros_like(classes[i]),
                        finite[i] ? masks[i] : zeros_like(masks[i]),
                        sample.Geometry,
                        size
                    );
                    return Predicted(found) with { OutputIsFinite = finite[i] };
                }
            ),
        ];
    }

    public IReadOnlyList<(string Name, Tensor Value)> Predicted(Tensor images)
    {
        if (_data.Task != DataTask.Segmentation)
            throw new UserErrorException(
                "Eomt: instances and panoptic maps are made of masks one after another, which can't be done within an exported file; the "
                    + "logits of classes and masks can be exported."
            );
        _predictor.RequirePlain(nameof(Eomt));
        return [("logits", Scores(images))];
    }

    public IEnumerable<Tensor> Probabilities(Batch batch) =>
        _data.Task == DataTask.Segmentation
            ? _predictor.Probabilities(batch)
            : throw new UserErrorException($"Eomt gives no probabilities of pixels for {TaskNames.Of(_data.Task)} data.");

    /// <summary>Of one place's answers.</summary>
    internal (Tensor Class, Tensor Mask, Tensor Dice) LossesOf(Tensor masks, Tensor classes, MaskTruths truths) =>
        _losses.Of(masks, classes, truths);

    private Prediction Predicted(QueryMasks found) =>
        _data.Task == DataTask.Panoptic
            ? new PanopticPrediction(MaskResults.Panoptic(found, label => _data.Things![label], _test.MaskThresh, _test.OverlapThresh))
            : MaskResults.Instances(found, _test.MaxPerImg, _test.ScoreThr);

    /// <summary>How much of each pixel the classes claim: over all queries, the sum of class times mask probability.</summary>
    /// <returns>[B, classes, H, W], float32.</returns>
    private Tensor Scores(Tensor images)
    {
        using var scope = NewDisposeScope();
        var (masks, classes) = Answers(images)[0];
        var enlarged = Upsampling.To(masks.to(ScalarType.Float32), [images.shape[2], images.shape[3]], alignCorners: false).sigmoid();
        var ofClasses = classes.to(ScalarType.Float32).softmax(-1).narrow(2, 0, _data.Classes.Count).transpose(1, 2); // [B, classes, Q]
        using var precise = Autocast.Leave(images.device_type);
        var scores = ofClasses.matmul(enlarged.flatten(2)); // [B, classes, H * W]
        return scope.MoveToOuter(scores.view(scores.shape[0], scores.shape[1], images.shape[2], images.shape[3]));
    }

    private (Tensor Masks, Tensor Classes) Answer(Tensor tokens, TokenGrid grid)
    {
        using var scope = NewDisposeScope();
        var x = Tokens.Normed(tokens);
        var queries = x.narrow(1, 0, _options.NumQueries);
        var map = x.narrow(1, grid.Leading, (long)grid.Height * grid.Width)
            .transpose(1, 2)
            .reshape(x.shape[0], x.shape[2], grid.Height, grid.Width);
        foreach (var block in upscale)
            map = block.call(map);
        var masks = mask_head.call(queries).matmul(map.flatten(2)).view(x.shape[0], _options.NumQueries, map.shape[2], map.shape[3]);
        var classes = class_head.call(queries);
        scope.MoveToOuter(masks, classes);
        return (masks, classes);
    }

    private float[] Shares => get_buffer("attn_mask_probs")!.cpu().Values<float>();

    private void Anneal(float[] shares)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        get_buffer("attn_mask_probs")!.copy_(tensor(shares));
    }

    /// <summary>Before anything is computed.</summary>
    private void Require(Tensor images, int answers)
    {
        var (count, height, width, patch) = (images.shape[0], images.shape[2], images.shape[3], Tokens.PatchSize);
        if (height % patch != 0 || width % patch != 0)
            throw new UserErrorException(
                $"Eomt cuts images into patches of {patch} pixels; {height} x {width} (height x width) are not whole patches. A Resize "
                    + $"or a crop to such a size, or {{ \"type\": \"Pad\", \"size_divisor\": {patch} }} in the pipeline mends it."
            );
        var (rows, columns) = ((height / patch) << upscale.Count, (width / patch) << upscale.Count);
        var values = count * _options.NumQueries * rows * columns;
        if (values > Largest)
            throw new UserErrorException(
                $"Eomt: the masks of {_options.NumQueries:#,0} queries in {count} images, {rows} x {columns} values each, are {values:#,0} "
                    + $"values, more than memory is taken for ({Largest:#,0}), {answers} times: take fewer queries (num_queries), smaller "
                    + "images or fewer at once."
            );
    }
}
