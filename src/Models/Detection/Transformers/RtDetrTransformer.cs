using Tessera.Framework.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Detection.Transformers;

/// <param name="Queries">How many of the encoder's cells the decoder begins with.</param>
/// <param name="Layers">Of the decoder.</param>
/// <param name="Points">Places that a head looks at in each map.</param>
/// <param name="Classes">Of the data.</param>
internal sealed record RtDetrPlan(int Queries, int Layers, int Points, int Classes);

/// <summary>Maps to queries, by the cells that score best, and queries to objects. Names are those of lyuwenyu/RT-DETR.</summary>
/// <remarks>Zhao et al., "DETRs Beat YOLOs on Real-time Object Detection", 2023, arXiv:2304.08069.</remarks>
internal sealed class RtDetrTransformer : nn.Module
{
    private const double PriorProbability = 0.01;

    private readonly ModuleList<NormedProjection> input_proj = new();
    private readonly RtDetrDecoder decoder;
    private readonly Embedding? denoising_class_embed; // the last row stands for no box and stays 0
    private readonly TokenMlp query_pos_head;
    private readonly Sequential enc_output;
    private readonly Linear enc_score_head;
    private readonly TokenMlp enc_bbox_head;
    private readonly ModuleList<Linear> dec_score_head = new();
    private readonly ModuleList<TokenMlp> dec_bbox_head = new();
    private readonly RtDetrPlan _plan;

    /// <param name="denoises">Whether training has further queries, which are boxes.</param>
    public RtDetrTransformer(RtDetrPlan plan, TransformerShape shape, IFeatureSource source, bool denoises)
        : base(nameof(RtDetrTransformer))
    {
        _plan = plan;
        var channels = shape.Channels;
        foreach (var width in source.OutChannels)
            input_proj.Add(new NormedProjection(width, channels));
        decoder = new RtDetrDecoder(shape, plan.Layers, source.OutChannels.Count, plan.Points);
        denoising_class_embed = denoises ? Embedding(plan.Classes + 1, channels, padding_idx: plan.Classes) : null;
        query_pos_head = new TokenMlp(4, 2 * channels, channels, 2);
        enc_output = Sequential(Linear(channels, channels), LayerNorm(channels));
        enc_score_head = Linear(channels, plan.Classes);
        enc_bbox_head = new TokenMlp(channels, channels, 4, 3);
        for (var i = 0; i < plan.Layers; i++)
        {
            dec_score_head.Add(Linear(channels, plan.Classes));
            dec_bbox_head.Add(new TokenMlp(channels, channels, 4, 3));
        }
        RegisterComponents();
        foreach (var score in dec_score_head.Append(enc_score_head))
            init.constant_(score.bias!, -Math.Log((1 - PriorProbability) / PriorProbability));
        foreach (var last in dec_bbox_head.Append(enc_bbox_head).Select(head => head.Layers[^1]))
        {
            init.zeros_(last.weight!);
            init.zeros_(last.bias!);
        }
        foreach (var linear in query_pos_head.Layers.Append((Linear)enc_output[0]))
            init.xavier_uniform_(linear.weight!);
    }

    /// <summary>The tensors with rows for classes, by their names here.</summary>
    public IEnumerable<ClassTensor> ClassTensors =>
        [
            .. Enumerable
                .Range(0, _plan.Layers)
                .Select(i => $"{nameof(dec_score_head)}.{i}")
                .Append(nameof(enc_score_head))
                .SelectMany(name => (ClassTensor[])[new($"{name}.weight"), new($"{name}.bias")]),
            .. denoising_class_embed is null ? [] : (ClassTensor[])[new($"{nameof(denoising_class_embed)}.weight") { Others = 1 }],
        ];

    /// <param name="maps">[B, C, H, W] each.</param>
    /// <returns>Their cells, projected.</returns>
    public Pyramid Cells(Tensor[] maps)
    {
        using var scope = NewDisposeScope();
        var projected = maps.Select((map, i) => input_proj[i].call(map)).ToArray();
        var values = cat([.. projected.Select(map => map.flatten(2).transpose(1, 2))], 1);
        return new Pyramid(scope.MoveToOuter(values), [.. projected.Select(map => ((int)map.shape[2], (int)map.shape[3]))]);
    }

    /// <summary>The cells that score best for any class, with the boxes that they give.</summary>
    /// <exception cref="UserErrorException">There are fewer cells than queries.</exception>
    public SelectedQueries Select(Pyramid pyramid)
    {
        if (pyramid.Values.shape[1] < _plan.Queries)
            throw new UserErrorException(
                $"RtDetr takes its {_plan.Queries} queries (num_queries) from the cells of the maps, of which images of this size have "
                    + $"{pyramid.Values.shape[1]} ({string.Join(", ", pyramid.Sizes.Select(size => $"{size.Height} x {size.Width}"))}): "
                    + "take larger images or fewer queries."
            );
        using var scope = NewDisposeScope();
        var (anchors, valid) = CellAnchors.Of(pyramid.Sizes, pyramid.Values.device);
        var tokens = enc_output.call(pyramid.Values * valid.to(pyramid.Values.dtype)); // [B, M, C]
        var logits = enc_score_head.call(tokens);
        var boxes = enc_bbox_head.call(tokens) + anchors;
        var (_, best) = logits.to(ScalarType.Float32).amax([-1]).topk(_plan.Queries, 1); // [B, Q]
        var chosen = new SelectedQueries(Rows(tokens, best).detach(), Rows(logits, best), Rows(boxes, best));
        scope.MoveToOuter(chosen.Tokens, chosen.Logits, chosen.Boxes);
        return chosen;
    }

    /// <param name="further">Queries before the selected ones; null: none.</param>
    /// <param name="all">Whether every layer's answer is wanted, or the last alone.</param>
    public QueryAnswers Decode(Pyramid pyramid, SelectedQueries selected, DenoisingQueries? further, bool all)
    {
        using var scope = NewDisposeScope();
        var (queries, boxes) = (selected.Tokens, selected.Boxes.detach());
        if (further is not null)
        {
            queries = cat([denoising_class_embed!.call(further.Labels).to(queries.dtype), queries], 1);
            boxes = cat([further.Boxes.to(boxes.dtype), boxes], 1);
        }
        var heads = new QueryHeads(query_pos_head, [.. dec_score_head], [.. dec_bbox_head]);
        var answers = decoder.Run(queries, boxes, pyramid, heads, further?.Mask, all);
        scope.MoveToOuter(answers.Logits, answers.Boxes);
        return answers;
    }

    /// <param name="values">[B, M, n].</param>
    /// <param name="rows">[B, Q].</param>
    private static Tensor Rows(Tensor values, Tensor rows) => values.gather(1, rows.unsqueeze(2).expand(-1, -1, values.shape[2]));
}

/// <summary>A 1x1 convolution and its norm.</summary>
internal sealed class NormedProjection : Module<Tensor, Tensor>
{
    private readonly Conv2d conv;
    private readonly BatchNorm2d norm;

    public NormedProjection(int width, int channels)
        : base(nameof(NormedProjection))
    {
        conv = Conv2d(width, channels, 1, bias: false);
        norm = BatchNorm2d(channels);
        RegisterComponents();
    }

    /// <param name="x">[B, width, H, W].</param>
    /// <returns>[B, channels, H, W].</returns>
    public override Tensor forward(Tensor x) => Layers.ConvThenNorm.Run(conv, norm, x);
}
