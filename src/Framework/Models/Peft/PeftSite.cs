using static TorchSharp.torch;

namespace Tessera.Framework.Models.Peft;

/// <summary>A backbone to which a method adds its parameters.</summary>
public sealed class PeftSite
{
    private readonly Adaptation _adaptation;
    private readonly string _key;

    internal PeftSite(Adaptation adaptation, string key, string type, string path, Backbone backbone)
    {
        (_adaptation, _key, Backbone, Path) = (adaptation, key, backbone, path);
        Asker = $"peft.{key} ({type})";
        Layers = new LayerMap(backbone);
    }

    public Backbone Backbone { get; }

    /// <summary>The backbone's layers by their roles.</summary>
    public LayerMap Layers { get; }

    /// <summary>Who asks, for messages: "peft.lora (LoRA)".</summary>
    public string Asker { get; }

    /// <summary>The backbone's name in the model: "backbone".</summary>
    public string Path { get; }

    /// <summary>Changes a layer from now on; its parameters are called <c>peft.KEY.BACKBONE.LAYER.ROLE.…</c> in the model.</summary>
    public void Change(LayerChange change)
    {
        var role = Components.ConfigKey.NameOf(change.Slice.Role.ToString());
        _adaptation.Register($"{_key}.{Path}.{change.Slice.Name}.{role}", change);
        change.Attach();
        _adaptation.Changes.Add(change);
    }

    /// <summary>Keeps a module with parameters of the method, called <c>peft.KEY.BACKBONE.NAME.…</c> in the model.</summary>
    /// <param name="name">Within the backbone.</param>
    public void Keep(string name, nn.Module module) => _adaptation.Register($"{_key}.{Path}.{name}", module);

    /// <summary>Has parameters of the backbone itself trained.</summary>
    /// <param name="which">Gets their names within the backbone.</param>
    /// <exception cref="UserErrorException">There is none.</exception>
    public void Train(Func<string, bool> which, string what)
    {
        var any = false;
        foreach (var (name, parameter) in Backbone.named_parameters().Where(own => which(own.name)))
        {
            any = true;
            parameter.requires_grad = true;
            _adaptation.Trained.Add($"{Path}.{name}");
        }
        if (!any)
            throw new UserErrorException($"{Asker}: {Backbone.GetName()} has no {what}.");
    }

    /// <summary>Has the backbone's blocks take further tokens; once.</summary>
    /// <exception cref="UserErrorException">Another entry does so already.</exception>
    public void ClaimPrompts()
    {
        if (!_adaptation.Prompted.Add(Backbone))
            throw new UserErrorException($"{Asker}: another entry of peft adds tokens to {Backbone.GetName()} already. Keep one of them.");
    }
}
