using System.Text.Json.Nodes;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Processes;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Framework.Running.Stages;

/// <summary>Brings together what the stages hold, so that a checkpoint is whole.</summary>
internal sealed class StageState(Stage stage, nn.Module model, Device device)
{
    /// <summary>Every process gets each stage's weights and statistics.</summary>
    public void Assemble()
    {
        using var nothing = no_grad();
        var link = new StageLink(stage.Group, device);
        foreach (var (name, tensor) in model.state_dict())
        {
            var owner = stage.Of(name);
            if (owner == stage.Group.Rank)
                ToAll(rank => link.SendPlain(tensor, rank));
            else
                stage.Group.Receive(tensor, owner);
        }
        link.Flush();
    }

    /// <summary>Every process writes what all have saved.</summary>
    /// <param name="save">Writes what this process's part has to save; no other's writes the same names.</param>
    public void Gather(StateWriter into, Action<StateWriter> save)
    {
        using var nothing = no_grad();
        var own = new StateWriter();
        save(own);
        var described = new JsonObject
        {
            ["tensors"] = new JsonArray([.. own.Tensors.Keys.Select(name => JsonValue.Create(name))]),
            ["values"] = own.Values.DeepClone(),
        };
        var all = stage.Group.AllGather(System.Text.Encoding.UTF8.GetBytes(described.ToJsonString()));
        var link = new StageLink(stage.Group, device);
        for (var rank = 0; rank < all.Count; rank++)
        {
            var saved = JsonNode.Parse(all[rank])!;
            foreach (var name in saved["tensors"]!.AsArray().Select(name => (string)name!))
            {
                if (rank == stage.Group.Rank)
                    ToAll(other => link.Send(own.Tensors[name], other));
                into.Write(name, rank == stage.Group.Rank ? own.Tensors[name] : link.Receive(rank));
            }
            foreach (var (name, value) in saved["values"]!.AsObject())
                into.WriteValue(name, value?.DeepClone());
        }
        link.Flush();
    }

    private void ToAll(Action<int> send)
    {
        for (var rank = 0; rank < stage.Group.WorldSize; rank++)
            if (rank != stage.Group.Rank)
                send(rank);
    }
}
