using Tessera.Framework.Models;
using Tessera.Models.Backbones;
using static TorchSharp.torch;

namespace Tessera.Models.TaskModels;

/// <summary>What HuggingFace's transformers calls the parameters of a <see cref="Detr"/> and of a <see cref="RtDetr"/>. Queries, keys and
/// values are joined, so the maps only read.</summary>
internal static class DetrTransformersKeys
{
    private const string Own = "backbone.",
        Body = "model.backbone.conv_encoder.model.",
        RtBody = "model.backbone.model.",
        Decoder = "model.decoder.layers.*.";

    private static readonly KeyMap _detr = OfDetr();
    private static readonly KeyMap _rtdetr = OfRtDetr();

    /// <param name="bodies">The backbone's maps, of which the first that fits a key is taken: its names may be timm's.</param>
    /// <param name="reshape">Of what is not the backbone's.</param>
    public static KeyMap OfDetr(KeyMap[] bodies, Func<string, Tensor, Tensor> reshape) =>
        Whole(
            _detr,
            Body,
            key => bodies.Select(body => body.Rename(key)).FirstOrDefault(own => own is not null && own != key) ?? bodies[0].Rename(key)
        ) with
        {
            Reshape = (key, stored) =>
                key.StartsWith(Own, StringComparison.Ordinal)
                    ? bodies[0].Reshape?.Invoke(key[Own.Length..], stored) ?? stored
                    : reshape(key, stored),
        };

    /// <param name="body">The backbone's map.</param>
    public static KeyMap OfRtDetr(KeyMap body) =>
        Whole(_rtdetr, RtBody, body.Rename) with
        {
            // The heads lie in such files once by themselves and once in the decoder, or only at either place.
            Repeats = key =>
                key.StartsWith("class_embed.", StringComparison.Ordinal) || key.StartsWith("bbox_embed.", StringComparison.Ordinal)
                    ? "model.decoder." + key
                    : null,
        };

    private static KeyMap Whole(KeyMap rest, string body, Func<string, string?> rename) =>
        new(key =>
            key.StartsWith(body, StringComparison.Ordinal)
                ? rename(key[body.Length..]) is { } inner
                    ? Own + inner
                    : null
                : rest.Rename(key) is { } renamed && renamed != key
                    ? renamed
                    : null
        )
        {
            Joined = rest.Joined,
        };

    private static KeyMap OfDetr()
    {
        const string ownDecoder = "transformer.decoder.layers.*.";
        var table = Layers("model.encoder.layers.*.", "transformer.encoder.layers.*.", ownDecoder);
        return Attention(table, Decoder + "encoder_attn.", ownDecoder + "multihead_attn.")
            .Pair("model.decoder.layernorm.", "transformer.decoder.norm.")
            .Pair("model.query_position_embeddings.", "query_embed.")
            .Pair("model.input_projection.", "input_proj.")
            .Pair("class_labels_classifier.", "class_embed.")
            .Pair("bbox_predictor.", "bbox_embed.")
            .ToKeyMap();
    }

    private static KeyMap OfRtDetr()
    {
        const string ownDecoder = "decoder.decoder.layers.*.";
        var table = Layers("model.encoder.encoder.*.layers.*.", "encoder.encoder.*.layers.*.", ownDecoder);
        foreach (var prefix in new[] { "model.decoder.", "" })
            table.Pair(prefix + "class_embed.", "decoder.dec_score_head.").Pair(prefix + "bbox_embed.", "decoder.dec_bbox_head.");
        return table
            .Pair(Decoder + "encoder_attn.", ownDecoder + "cross_attn.")
            .Pair("model.decoder.query_pos_head.", "decoder.query_pos_head.")
            .Pair("model.decoder_input_proj.*.0.", "decoder.input_proj.*.conv.")
            .Pair("model.decoder_input_proj.*.1.", "decoder.input_proj.*.norm.")
            .Pair("model.denoising_class_embed.", "decoder.denoising_class_embed.")
            .Pair("model.enc_output.", "decoder.enc_output.")
            .Pair("model.enc_score_head.", "decoder.enc_score_head.")
            .Pair("model.enc_bbox_head.", "decoder.enc_bbox_head.")
            .Pair("model.encoder_input_proj.", "encoder.input_proj.")
            .Pair("model.encoder.", "encoder.")
            .ToKeyMap();
    }

    /// <summary>What the layers of both have alike: all but the decoder's attention to the image.</summary>
    private static KeyTable Layers(string encoder, string ownEncoder, string ownDecoder)
    {
        var table = new KeyTable(null).Pair(Decoder + "encoder_attn_layer_norm.", ownDecoder + "norm2.");
        Layer(table, encoder, ownEncoder, "norm2.");
        Layer(table, Decoder, ownDecoder, "norm3.");
        return table;
    }

    private static KeyTable Attention(KeyTable table, string theirs, string own) =>
        table.Join(theirs, ["q_proj.", "k_proj.", "v_proj."], own + "in_proj_").Pair(theirs + "out_proj.", own + "out_proj.");

    /// <param name="last">The norm behind the linear layers.</param>
    private static void Layer(KeyTable table, string theirs, string own, string last) =>
        Attention(table, theirs + "self_attn.", own + "self_attn.")
            .Pair(theirs + "self_attn_layer_norm.", own + "norm1.")
            .Pair(theirs + "fc1.", own + "linear1.")
            .Pair(theirs + "fc2.", own + "linear2.")
            .Pair(theirs + "final_layer_norm.", own + last);
}
